import { ANOMALY_KINDS, MODEL_NAMES } from '@dsys/linearizability'
import { expect, test } from 'vitest'
import { readmeOf, testExample } from '../../../tooling/readme/example.ts'

testExample(import.meta.url, 'example.ts', () => import('./example.ts'))
testExample(import.meta.url, 'transactions-example.ts', () => import('./transactions-example.ts'))

test('the README has every model and every anomaly', () => {
  const readme = readmeOf(import.meta.url)
  for (const name of MODEL_NAMES) expect(readme).toContain(`\`${name}\``)
  // Those of an order are named by their ending.
  for (const kind of ANOMALY_KINDS) expect(readme).toContain(`\`${kind.replace(/-(process|realtime)$/, '')}`)
})

import { readFileSync } from 'node:fs'
import { ANOMALY_KINDS, MODEL_NAMES } from '@dsys/linearizability'
import { expect, test, vi } from 'vitest'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const EXAMPLES = [
  ['example.ts', () => import('./example.ts')],
  ['transactions-example.ts', () => import('./transactions-example.ts')],
] as const

test.each(EXAMPLES)('the %s of the README runs and prints what it says', async (file, run) => {
  const example = readFileSync(new URL(`./${file}`, import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    await run()
    const promised = [...example.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1])
    expect(log.mock.calls.map((call) => call.join(' '))).toEqual(promised)
  } finally {
    log.mockRestore()
  }
})

test('the README has every model and every anomaly', () => {
  for (const name of MODEL_NAMES) expect(readme).toContain(`\`${name}\``)
  // Those of an order are named by their ending.
  for (const kind of ANOMALY_KINDS) expect(readme).toContain(`\`${kind.replace(/-(process|realtime)$/, '')}`)
})

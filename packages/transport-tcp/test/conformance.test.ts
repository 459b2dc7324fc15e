import { transportConformance } from '@dsys/transport/conformance'
import { describe, test } from 'vitest'
import { withFunction, withTables } from './fixtures.ts'

describe('with peers in a table, and a secret', () => {
  transportConformance({ describe, test }, () => withTables(() => ({ secret: 'a secret of the test' })), {
    broadcast: true,
    fastNegative: true,
    ordered: true,
    outages: true,
  })
})

describe('with peers by a function', () => {
  transportConformance({ describe, test }, () => withFunction(), {
    broadcast: false,
    fastNegative: true,
    ordered: true,
    outages: true,
  })
})

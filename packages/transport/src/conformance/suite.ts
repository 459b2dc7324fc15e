import { addressingCases } from './addressing.ts'
import { deliveryCases } from './delivery.ts'
import { lifecycleCases } from './lifecycle.ts'
import type { ConformanceRunner, TransportFactory } from './rig.ts'

/** What an adapter says it can do. The cases of what it cannot do are replaced by one that it says so. */
export interface ConformanceDeclaration {
  readonly broadcast: boolean
  readonly fastNegative: boolean
}

/**
 * Proves that an adapter keeps the contract of `Transport`. Depends on no test runner: give it the `test` and `describe`
 * of yours.
 *
 * @param factory makes a network of its own for each case, without faults
 */
export function transportConformance(
  runner: ConformanceRunner,
  factory: TransportFactory,
  declaration: ConformanceDeclaration,
): void {
  runner.describe('transport conformance', () => {
    for (const part of [deliveryCases, addressingCases, lifecycleCases]) part({ runner, factory, declaration })
  })
}

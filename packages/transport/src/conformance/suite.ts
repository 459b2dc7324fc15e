import { addressingCases } from './addressing.ts'
import { deliveryCases } from './delivery.ts'
import { lifecycleCases } from './lifecycle.ts'
import { loadCases } from './load.ts'
import { orderingCases } from './ordering.ts'
import { outageCases } from './outages.ts'
import type { ConformanceRunner, TransportFactory } from './rig.ts'

/** What an adapter says it can do. The cases of what it cannot do are replaced by one that it says so. */
export interface ConformanceDeclaration {
  readonly broadcast: boolean
  readonly fastNegative: boolean
  /** Frames from one node to another, broadcasts too, arrive in the order in which they were sent. The port does not ask for it. */
  readonly ordered: boolean
  /** The fixture has `interrupt`. Without it nothing is proved about lost connections. */
  readonly outages: boolean
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
    const parts = [deliveryCases, orderingCases, addressingCases, loadCases, lifecycleCases, outageCases]
    for (const part of parts) part({ runner, factory, declaration })
  })
}

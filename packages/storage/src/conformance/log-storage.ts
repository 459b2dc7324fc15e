import { crashes } from './log-crashes.ts'
import { damage, errors } from './log-damage.ts'
import { faults } from './log-faults.ts'
import { opening } from './log-opening.ts'
import { order } from './log-order.ts'
import type { LogStorageFactory } from './log-place.ts'
import { salvaging } from './log-salvage.ts'
import { snapshots } from './log-snapshots.ts'
import { writing } from './log-writing.ts'
import { register, type TestRunner } from './runner.ts'

/**
 * Registers the cases that every log storage must pass. They use the port alone.
 *
 * @param runner the `describe` and `test` of a test runner.
 */
export function logStorageConformance(runner: TestRunner, factory: LogStorageFactory): void {
  register(runner, 'LogStorage conformance: opening', opening, factory)
  register(runner, 'LogStorage conformance: writing', writing, factory)
  register(runner, 'LogStorage conformance: order', order, factory)
  register(runner, 'LogStorage conformance: snapshots', snapshots, factory)
  register(runner, 'LogStorage conformance: faults', faults, factory)
  register(runner, 'LogStorage conformance: crashes', crashes, factory)
  register(runner, 'LogStorage conformance: damage', damage, factory)
  register(runner, 'LogStorage conformance: salvage', salvaging, factory)
  register(runner, 'LogStorage conformance: errors', errors, factory)
}

import { NodeScope } from '@dsys/di'
import { expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { FAILURE_DETECTORS, failureDetectors } from '../src/di.ts'

test('the module registers how the detectors of a node are made', async () => {
  await using scope = new NodeScope(plainContainer()).use(failureDetectors({ type: 'timeout', timeoutMs: 500 }))
  const make = scope.get(FAILURE_DETECTORS)
  expect(make(1_000).unavailableFromMs).toBe(1_500)
  expect(make().unavailableFromMs).toBeUndefined()
})

test('wrong options are refused when the node is built, and not when the first peer comes', async () => {
  await using scope = new NodeScope(plainContainer()).use(failureDetectors({ threshold: 0 }))
  expect(() => scope.get(FAILURE_DETECTORS)).toThrow(RangeError)
})

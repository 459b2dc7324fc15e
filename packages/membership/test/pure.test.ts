import { expect, test } from 'vitest'
import { withoutTheWorld } from '../../../tooling/fixtures/without-the-world.ts'
import { Simulation } from './simulation.ts'

test('the core needs no clock, timer, chance or cryptography of this process', () => {
  const returned = withoutTheWorld(() => {
    const simulation = new Simulation({ seed: 5, canBroadcast: true, fastNegative: true, lossRate: 0.05 })
    simulation.startAll(5)
    simulation.run(10_000)
    simulation.kill('n2')
    simulation.leave('n3')
    simulation.connect('n4', false)
    simulation.run(5_000)
    simulation.connect('n4', true)
    simulation.input('n1', (core, nowMs) =>
      core.update({ metadata: { role: 'edge' }, roles: [], capabilities: [], tags: {} }, nowMs),
    )
    simulation.start('n2', 2)
    simulation.run(10_000)
    return simulation.node('n1').core.member('n2')?.generation
  })
  expect(returned).toBe(2)
})

import { drainMicrotasks, SeededRandom } from '@dsys/runtime'
import { transportConformance } from '@dsys/transport/conformance'
import { describe, test } from 'vitest'
import { MachineClock } from '../../src/machine-clock.ts'
import { SimNetwork, type SimNetworkOptions } from '../../src/network/sim-network.ts'
import { SimProcess } from '../../src/process.ts'
import { Scheduler } from '../../src/scheduler.ts'

const CALM = { delayMs: 1, tailRate: 0, tailMaxMs: 0, lossRate: 0, duplicateRate: 0, reorderRate: 0 }

/** A network in virtual time, which goes on by itself until the fixture is disposed. */
function fixture(options: SimNetworkOptions) {
  const scheduler = new Scheduler()
  const network = new SimNetwork(
    { scheduler, random: new SeededRandom(1), knobs: CALM, count: () => undefined },
    options,
  )
  const machine = new MachineClock(() => scheduler.nowMs)
  const ids = new Set<string>()
  let over = false
  const go = async (): Promise<void> => {
    while (!over) {
      await drainMicrotasks()
      await scheduler.runAsync(scheduler.nowMs + 1)
    }
  }
  void go()
  return {
    clock: new SimProcess(scheduler, machine).clock,
    endpoint: ({ id, generation }: { id: string; generation: number }) => {
      ids.add(id)
      return network.endpoint(id, { process: new SimProcess(scheduler, machine), generation })
    },
    interrupt: async () => {
      const ends = [...ids].map((id) => network.links.disconnect(id, { buffered: false }))
      return async () => {
        for (const end of ends) end()
      }
    },
    dispose: async () => {
      over = true
    },
  }
}

for (const can of [true, false]) {
  describe(`broadcast and fastNegative ${can}`, () => {
    const limits = { maxQueuedBytes: 20 * 2 ** 20, maxQueuedFrames: 8_192 }
    transportConformance({ describe, test }, () => fixture({ broadcast: can, fastNegative: can, ...limits }), {
      broadcast: can,
      fastNegative: can,
      ordered: true,
      outages: true,
    })
  })
}

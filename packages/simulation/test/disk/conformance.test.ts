import { SeededRandom, systemRuntime } from '@dsys/runtime'
import { diskConformance, logStorageConformance, stateStorageConformance } from '@dsys/storage/conformance'
import { FileLogStorage } from '@dsys/storage-file'
import { describe, test } from 'vitest'
import { SimPlace } from './sim-place.ts'

/** Each place has a seed of its own, so that each crash leaves something else. */
let seed = 1

describe('SimDisk', () => {
  diskConformance(
    { describe, test },
    {
      supports: ['crash', 'crash-points'],
      create: async () => {
        const place = new SimPlace(seed++)
        return {
          ...place,
          get disk() {
            return place.sim.mount(place.ports)
          },
        }
      },
    },
  )
})

describe('FileLogStorage over SimDisk', () => {
  logStorageConformance(
    { describe, test },
    {
      supports: ['crash', 'crash-points', 'torn-writes', 'damage', 'failure', 'read-errors', 'full'],
      create: async () => {
        const place = new SimPlace(seed++)
        const runtime = systemRuntime({ random: new SeededRandom(seed), clock: place.clock })
        return {
          ...place,
          open: () => {
            place.mend()
            const disk = place.sim.mount(place.ports)
            return new FileLogStorage({ ...runtime, disk }, { directory: 'n', segmentBytes: 4_096 })
          },
        }
      },
    },
  )
})

describe('the log storage of SimDisk', () => {
  logStorageConformance(
    { describe, test },
    {
      supports: ['crash', 'crash-points', 'failure'],
      create: async () => {
        const place = new SimPlace(seed++)
        return {
          ...place,
          open: () => {
            place.mend()
            return place.sim.logStorage(place.ports)
          },
        }
      },
    },
  )
})

describe('the state storage of SimDisk', () => {
  for (const acknowledge of ['durable', 'written'] as const) {
    describe(`that acknowledges what is ${acknowledge}`, () => {
      stateStorageConformance(
        { describe, test },
        {
          supports: [
            ...(acknowledge === 'durable' ? (['durable'] as const) : []),
            'reopen',
            'crash',
            'crash-points',
            'failure',
          ],
          create: async () => {
            const place = new SimPlace(seed++, { acknowledge })
            return {
              ...place,
              open: () => {
                place.mend()
                return place.sim.stateStorage(place.ports)
              },
            }
          },
        },
      )
    })
  }
})

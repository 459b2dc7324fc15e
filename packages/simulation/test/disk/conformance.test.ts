import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { diskConformance, logStorageConformance, stateStorageConformance } from '@dsys/storage/conformance'
import { FileLogStorage } from '@dsys/storage-file'
import { describe, test } from 'vitest'
import { SimDisk } from '../../src/disk/sim-disk.ts'
import { runFreely } from './world.ts'

function simulated(seed: number) {
  const clock = new VirtualClock()
  const stop = runFreely(clock)
  const disk = new SimDisk({ random: new SeededRandom(seed) })
  const ports = { clock }
  return { clock, disk, ports, crash: () => disk.crash(), [Symbol.asyncDispose]: async () => stop() }
}

describe('SimDisk', () => {
  diskConformance(
    { describe, test },
    {
      supports: ['crash'],
      create: async () => {
        const world = simulated(1)
        const place = { ...world, disk: world.disk.mount(world.ports), crash }
        function crash(): void {
          world.disk.crash()
          place.disk = world.disk.mount(world.ports)
        }
        return place
      },
    },
  )
})

describe('FileLogStorage over SimDisk', () => {
  logStorageConformance(
    { describe, test },
    {
      supports: ['crash', 'failure'],
      create: async () => {
        const world = simulated(2)
        const runtime = systemRuntime({ random: new SeededRandom(2), clock: world.clock })
        let mend = (): void => undefined
        return {
          open: () => {
            mend()
            const disk = world.disk.mount(world.ports)
            return new FileLogStorage({ ...runtime, disk }, { directory: 'n', segmentBytes: 4_096 })
          },
          crash: world.crash,
          failWrites: () => {
            mend = world.disk.failSyncs()
          },
          [Symbol.asyncDispose]: world[Symbol.asyncDispose],
        }
      },
    },
  )
})

describe('the log storage of SimDisk', () => {
  logStorageConformance(
    { describe, test },
    {
      supports: ['crash', 'failure'],
      create: async () => {
        const world = simulated(3)
        let mend = (): void => undefined
        return {
          open: () => {
            mend()
            return world.disk.logStorage(world.ports)
          },
          crash: world.crash,
          failWrites: () => {
            mend = world.disk.failSyncs()
          },
          [Symbol.asyncDispose]: world[Symbol.asyncDispose],
        }
      },
    },
  )
})

describe('the state storage of SimDisk', () => {
  stateStorageConformance(
    { describe, test },
    {
      supports: ['reopen'],
      create: async () => {
        const world = simulated(4)
        return { ...world, open: () => world.disk.stateStorage(world.ports) }
      },
    },
  )
})

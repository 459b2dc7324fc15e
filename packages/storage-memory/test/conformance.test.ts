import { ok } from 'node:assert/strict'
import { SeededRandom } from '@dsys/runtime'
import type { StateChange, StateWriteOptions } from '@dsys/storage'
import {
  logStorageConformance,
  type StateStorageFactory,
  type StateStoragePlace,
  stateStorageConformance,
} from '@dsys/storage/conformance'
import { MemoryLogDisk, MemoryLogStorage, MemoryStateDisk, MemoryStateStorage } from '@dsys/storage-memory'
import { describe, test } from 'vitest'
import { SyncFaults } from './sync-faults.ts'

let seed = 1
const nothing = async (): Promise<void> => undefined

logStorageConformance(
  { describe, test },
  {
    supports: ['crash', 'crash-points', 'failure'],
    create: async () => {
      const faults = new SyncFaults(new SeededRandom(seed++))
      const disk = faults.over(new MemoryLogDisk({ sync: faults.sync }))
      return {
        open: () => {
          faults.mend()
          return new MemoryLogStorage({ disk })
        },
        crash: faults.crash,
        crashAfter: faults.crashAfter,
        failWrites: faults.failWrites,
        [Symbol.asyncDispose]: nothing,
      }
    },
  },
)

/** A state storage over a disk, perhaps one that makes a mistake. */
function placeOn(
  acknowledge: 'durable' | 'written',
  storageOver = (disk: MemoryStateDisk): MemoryStateStorage => new MemoryStateStorage({ disk }),
): StateStoragePlace {
  const faults = new SyncFaults(new SeededRandom(seed++))
  const disk = faults.over(new MemoryStateDisk({ sync: faults.sync, acknowledge }))
  return {
    open: () => {
      faults.mend()
      return storageOver(disk)
    },
    crash: faults.crash,
    crashAfter: faults.crashAfter,
    failWrites: faults.failWrites,
    [Symbol.asyncDispose]: nothing,
  }
}

describe('without a disk', () => {
  stateStorageConformance(
    { describe, test },
    { create: async () => ({ open: () => new MemoryStateStorage(), [Symbol.asyncDispose]: nothing }) },
  )
})

describe('over a disk', () => {
  stateStorageConformance(
    { describe, test },
    { supports: ['reopen', 'durable', 'crash', 'crash-points', 'failure'], create: async () => placeOn('durable') },
  )
})

describe('over a disk that acknowledges what is only written', () => {
  stateStorageConformance(
    { describe, test },
    { supports: ['reopen', 'crash', 'crash-points', 'failure'], create: async () => placeOn('written') },
  )
})

/** Applies each change of a batch by itself. */
class PieceByPiece extends MemoryStateStorage {
  override async write(changes: readonly StateChange[], options?: StateWriteOptions): Promise<void> {
    await Promise.all(changes.map((change) => super.write([change], options)))
  }
}

/** Forgets one write of two, and says that it was done. */
class Forgetful extends MemoryStateStorage {
  #writes = 0

  override async write(changes: readonly StateChange[], options?: StateWriteOptions): Promise<void> {
    if (this.#writes++ % 2 === 0) await super.write(changes, options)
  }
}

/** Lets no write say what it waits for. */
class Deaf extends MemoryStateStorage {
  override write(changes: readonly StateChange[]): Promise<void> {
    return super.write(changes)
  }
}

/** Runs the suite outside of the test runner; gives the names of the cases that failed. */
async function failures(factory: StateStorageFactory): Promise<string[]> {
  const cases: { name: string; body: () => Promise<void> }[] = []
  const runner = {
    describe: (_: string, body: () => void) => body(),
    test: (name: string, body: () => Promise<void>) => void cases.push({ name, body }),
  }
  stateStorageConformance(runner, factory)
  const failed: string[] = []
  for (const { name, body } of cases) await body().catch(() => failed.push(name))
  return failed
}

describe('the suite of state storages sees one that', () => {
  const mistakes: readonly (readonly [name: string, seenBy: RegExp, create: () => StateStoragePlace])[] = [
    ['acknowledges before it is durable', /nothing that was acknowledged/, () => placeOn('written')],
    ['splits batches', /each as a whole/, () => placeOn('durable', (disk) => new PieceByPiece({ disk }))],
    ['splits batches in a crash', /whole batches/, () => placeOn('written', (disk) => new PieceByPiece({ disk }))],
    ['does not wait where it is told', /durable survives/, () => placeOn('written', (disk) => new Deaf({ disk }))],
    ['loses batches', /what was acknowledged survives/, () => placeOn('durable', (disk) => new Forgetful({ disk }))],
  ]
  for (const [name, seenBy, create] of mistakes) {
    test(name, async () => {
      const failed = await failures({
        supports: ['reopen', 'durable', 'crash', 'crash-points'],
        create: async () => create(),
      })
      ok(
        failed.some((each) => seenBy.test(each)),
        `it failed in ${failed.join('; ')}`,
      )
    })
  }
})

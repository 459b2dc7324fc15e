import { ok } from 'node:assert/strict'
import { SeededRandom } from '@dsys/runtime'
import type { Disk } from '@dsys/storage'
import { type DiskPlace, diskConformance } from '@dsys/storage/conformance'
import { MemoryDisk, type MemoryDiskOptions } from '@dsys/storage-memory'
import { describe, test } from 'vitest'

let seed = 1

/** An empty disk with a seed of its own, so that each crash leaves something else. */
function placeOn(options: MemoryDiskOptions = {}, seenAs = (disk: Disk): Disk => disk): DiskPlace {
  const disk = new MemoryDisk(new SeededRandom(seed++), options)
  const place = {
    disk: seenAs(disk.mount()),
    crash: () => {
      disk.crash()
      place.disk = seenAs(disk.mount())
    },
    crashAfter: (operations: number) => {
      disk.crashAt(disk.operations + operations)
      return disk.powerLoss()
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
  return place
}

/** `disk`, but a rename takes away what it replaces before it puts something else there. */
const inTwoSteps = (disk: Disk): Disk => ({
  open: (path, options) => disk.open(path, options),
  list: (directory) => disk.list(directory),
  createDirectory: (directory) => disk.createDirectory(directory),
  remove: (path) => disk.remove(path),
  syncDirectory: (directory) => disk.syncDirectory(directory),
  lock: (directory) => disk.lock(directory),
  rename: async (from, to) => {
    await disk.remove(to)
    await disk.rename(from, to)
  },
})

/** `disk`, but its files do not know that they were closed. */
const neverClosed = (disk: Disk): Disk => ({
  ...inTwoSteps(disk),
  rename: (from, to) => disk.rename(from, to),
  open: async (path, options) => Object.assign(await disk.open(path, options), { close: async () => undefined }),
})

/** Runs the suite outside of the test runner; gives the names of the cases that failed. */
async function failures(create: () => DiskPlace): Promise<string[]> {
  const cases: { name: string; body: () => Promise<void> }[] = []
  const runner = {
    describe: (_: string, body: () => void) => body(),
    test: (name: string, body: () => Promise<void>) => void cases.push({ name, body }),
  }
  diskConformance(runner, { supports: ['crash', 'crash-points'], create: async () => create() })
  const failed: string[] = []
  for (const { name, body } of cases) await body().catch(() => failed.push(name))
  return failed
}

diskConformance({ describe, test }, { supports: ['crash', 'crash-points'], create: async () => placeOn() })

describe('the suite of disks sees one that', () => {
  const mistakes: readonly (readonly [name: string, seenBy: RegExp, create: () => DiskPlace])[] = [
    [
      'acknowledges durable writes before they are',
      /durable writes survive/,
      () => placeOn({ ignores: ['durableWrites'] }),
    ],
    ['does not sync', /the old file whole or the new one/, () => placeOn({ ignores: ['sync'] })],
    ['does not sync folders', /once it was synced/, () => placeOn({ ignores: ['sync-directory'] })],
    ['replaces a name in two steps', /the old file whole or the new one/, () => placeOn({}, inTwoSteps)],
    ['lets closed files work', /a closed file refuses/, () => placeOn({}, neverClosed)],
  ]
  for (const [name, seenBy, create] of mistakes) {
    test(name, async () => {
      const failed = await failures(create)
      ok(
        failed.some((each) => seenBy.test(each)),
        `it failed in ${failed.join('; ')}`,
      )
    })
  }
})

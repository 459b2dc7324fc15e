import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Disk } from '../disk.ts'
import { bytes, type DiskCase, type DiskPlace, read, using, write } from './disk-place.ts'
import { untilPowerLoss } from './power-loss.ts'

/** More operations than any program here takes. */
const MOST_POINTS = 200
/** How often each point is tried, for a place that draws what a crash leaves. */
const ROUNDS = 4

const OLD = 'old'.repeat(500)
const NEW = 'new'.repeat(700)

/** How a file is replaced so that it is never missing and never half: aside, synced, renamed, the folder synced. */
async function replace(disk: Disk, content: string): Promise<void> {
  await disk.remove('d/a.tmp')
  await using(disk, 'd/a.tmp', { create: true }, async (file) => {
    // In two writes, which may land in any order.
    await file.write(0, bytes(content.slice(0, 1_000)))
    await file.write(1_000, bytes(content.slice(1_000)))
    await file.sync()
  })
  await disk.rename('d/a.tmp', 'd/a')
  await disk.syncDirectory('d')
}

async function withOld(place: DiskPlace): Promise<void> {
  await place.disk.createDirectory('d')
  await place.disk.syncDirectory('')
  await write(place.disk, 'd/a', OLD)
  await place.disk.syncDirectory('d')
}

const crashIn = (place: DiskPlace, operations: number): Promise<void> =>
  place.crashAfter?.(operations) ?? Promise.reject(new TypeError('crash-points needs crashAfter'))

/** Calls `body` with a new place for each operation of the program that it runs, until that ends before power is lost. */
async function atEveryPoint(
  another: () => Promise<DiskPlace>,
  body: (place: DiskPlace, point: number) => Promise<'done' | 'lost'>,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    let point = 0
    for (let ended = false; !ended && point < MOST_POINTS; point++) {
      await using place = await another()
      ended = (await body(place, point)) === 'done'
    }
    ok(point > 1 && point < MOST_POINTS, `the program took ${point} operations`)
  }
}

export const crashes: readonly DiskCase[] = [
  {
    name: 'synced bytes under a synced name survive',
    needs: 'crash',
    run: async (place) => {
      await place.disk.createDirectory('d')
      await place.disk.syncDirectory('')
      await write(place.disk, 'd/a', 'kept')
      await place.disk.syncDirectory('d')
      await place.crash?.()
      equal(await read(place.disk, 'd/a'), 'kept')
    },
  },
  {
    name: 'durable writes survive without a sync',
    needs: 'crash',
    run: async (place) => {
      await write(place.disk, 'a', '')
      await place.disk.syncDirectory('')
      const file = await place.disk.open('a', { durableWrites: true })
      await file.write(0, bytes('kept'))
      await place.crash?.()
      equal(await read(place.disk, 'a'), 'kept')
    },
  },
  {
    name: 'a rename survives once its folder was synced',
    needs: 'crash',
    run: async (place) => {
      await write(place.disk, 'old', 'before')
      await place.disk.syncDirectory('')
      await write(place.disk, 'aside', 'after')
      await place.disk.rename('aside', 'old')
      await place.disk.syncDirectory('')
      await place.crash?.()
      equal(await read(place.disk, 'old'), 'after')
      deepEqual(await place.disk.list(''), ['old'])
    },
  },
  {
    name: 'a lock does not outlive its process',
    needs: 'crash',
    run: async (place) => {
      await place.disk.lock('')
      await place.crash?.()
      const release = await place.disk.lock('')
      await release()
    },
  },
  {
    name: 'a crash in every operation of a replacement leaves the old file whole or the new one; once it was synced, the new one',
    needs: ['crash', 'crash-points'],
    run: (_, another) =>
      atEveryPoint(another, async (place, point) => {
        await withOld(place)
        const ended = await untilPowerLoss(crashIn(place, point), replace(place.disk, NEW))
        await place.crash?.()
        const found = await read(place.disk, 'd/a')
        ok(found === NEW || (found === OLD && ended === 'lost'), `found ${found.length} bytes: ${found.slice(0, 9)}`)
        const names = (await place.disk.list('d')).filter((name) => name !== 'a')
        deepEqual(
          names.filter((name) => name !== 'a.tmp'),
          [],
        )
        // The next life does it once more, whatever the last one has left aside.
        await replace(place.disk, OLD + NEW)
        await place.crash?.()
        equal(await read(place.disk, 'd/a'), OLD + NEW)
        deepEqual(await place.disk.list('d'), ['a'])
        return ended
      }),
  },
  {
    name: 'a crash in every operation of a replacement into another folder leaves the file under one of its names',
    needs: ['crash', 'crash-points'],
    run: (_, another) =>
      atEveryPoint(another, async (place, point) => {
        await withOld(place)
        await place.disk.createDirectory('e')
        await place.disk.syncDirectory('')
        const { disk } = place
        const move = async (): Promise<void> => {
          await disk.rename('d/a', 'e/b')
          await disk.syncDirectory('e')
          await disk.syncDirectory('d')
        }
        const ended = await untilPowerLoss(crashIn(place, point), move())
        await place.crash?.()
        const [before, after] = [await place.disk.list('d'), await place.disk.list('e')]
        const moved = after.includes('b')
        ok(moved || (before.includes('a') && ended === 'lost'), 'the file has no name')
        equal(await read(place.disk, moved ? 'e/b' : 'd/a'), OLD)
        return ended
      }),
  },
  {
    name: 'a crash in every operation that removes a file leaves it whole, or not at all once its folder was synced',
    needs: ['crash', 'crash-points'],
    run: (_, another) =>
      atEveryPoint(another, async (place, point) => {
        await withOld(place)
        const { disk } = place
        const remove = async (): Promise<void> => {
          await disk.remove('d/a')
          await disk.syncDirectory('d')
        }
        const ended = await untilPowerLoss(crashIn(place, point), remove())
        await place.crash?.()
        const names = await place.disk.list('d')
        if (ended === 'done') deepEqual(names, [])
        else if (names.length > 0) equal(await read(place.disk, 'd/a'), OLD)
        return ended
      }),
  },
]

import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { SeededRandom, VirtualClock } from '@dsys/runtime'
import { bumpGeneration } from '@dsys/storage-file'
import { MemoryDisk } from '@dsys/storage-memory'
import { test } from 'vitest'
import { editFile } from './storage-on-memory.ts'

const clockAt = (wallMs: number): VirtualClock => new VirtualClock({ wallMs })

test('M-11: a generation follows the wall clock, and grows by one when the clock stands or goes back', async () => {
  const disk = new MemoryDisk(new SeededRandom(1)).mount()
  const bump = (wallMs: number): Promise<number> =>
    bumpGeneration({ disk, clock: clockAt(wallMs) }, { directory: 'a/b' })
  equal(await bump(5_000), 5_000)
  equal(await bump(5_000), 5_001)
  equal(await bump(1_000), 5_002)
  equal(await bump(9_000.7), 9_000)
})

test('a crash in any operation never lets a generation be given twice', async () => {
  for (let point = 0; point < 30; point++) {
    for (let seed = 0; seed < 10; seed++) {
      const disk = new MemoryDisk(new SeededRandom(seed))
      const bump = (): Promise<number> => bumpGeneration({ disk: disk.mount(), clock: clockAt(0) }, { directory: 'n' })
      const given = [await bump(), await bump()]
      disk.crashAt(disk.operations + point)
      for (let tries = 0; tries < 3 && !disk.dead; tries++) {
        await bump().then(
          (generation) => given.push(generation),
          (error: unknown) => {
            if (!disk.dead) throw error
          },
        )
      }
      disk.crash()
      const next = await bump()
      ok(next > Math.max(...given), `after ${given.join(', ')} came ${next} (point ${point}, seed ${seed})`)
    }
  }
})

test('a failure of any operation says what it is, and never lets a generation be given twice', async () => {
  const codes = new Set<unknown>()
  for (let seed = 0; seed < 10; seed++) {
    for (let change = 0, failed = true; failed; change++) {
      const disk = new MemoryDisk(new SeededRandom(seed))
      const bump = (): Promise<number> => bumpGeneration({ disk: disk.mount(), clock: clockAt(0) }, { directory: 'n' })
      const before = await bump()
      disk.failOnce(change)
      const result = await bump().catch((error: { code?: unknown }) => error.code)
      failed = !disk.changeWillFail
      if (failed) codes.add(result)
      // The folder is free again, and the next number is new in either way.
      if (seed % 2 === 0) disk.crash()
      disk.mend()
      ok((await bump()) > (typeof result === 'number' ? result : before))
    }
  }
  deepEqual([...codes], ['DSYS_STORAGE_FAILED'])
})

test('a damaged generation is reported and kept', async () => {
  const disk = new MemoryDisk(new SeededRandom(1))
  const ports = { disk: disk.mount(), clock: clockAt(7) }
  await bumpGeneration(ports, { directory: '' })
  const damaged = editFile(disk, 'generation', (file) => file.writeUInt8(1, 8))
  await rejects(bumpGeneration(ports, { directory: '' }), { code: 'DSYS_STORAGE_CORRUPT', file: 'generation' })
  ok(damaged.equals(disk.content('generation')))
})

test('a folder that somebody uses gives no generation, and is free again afterwards', async () => {
  const disk = new MemoryDisk(new SeededRandom(1)).mount()
  const bump = (): Promise<number> => bumpGeneration({ disk, clock: clockAt(0) }, { directory: 'n' })
  equal(await bump(), 1)
  const unlock = await disk.lock('n')
  await rejects(bump(), { code: 'DSYS_STORAGE_LOCKED' })
  await unlock()
  equal(await bump(), 2)
})

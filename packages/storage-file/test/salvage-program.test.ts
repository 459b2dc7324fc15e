import { ok } from 'node:assert/strict'
import { describe, test } from 'vitest'
import { CrashWorld } from './crash-model.ts'
import { imageOf, plainDisk } from './plain-disk.ts'

const STEPS = 72

/** Damages one place after the other of what the program of `seed` has left, and opens all groups with salvage. */
async function damageEverywhere(seed: number, stride: number): Promise<Map<string, number>> {
  const world = new CrashWorld(seed)
  await world.recover()
  await world.run(STEPS)
  await world.stop()
  const image = imageOf(world.disk)
  const tally = new Map<string, number>()
  for (const [path, content] of image) {
    if (!path.endsWith('.wal') && !path.endsWith('.snap')) continue
    for (let at = seed % stride; at <= content.length; at += stride) {
      const disk = new Map(image)
      // The last place of a segment stands for the whole file.
      const removed = path.endsWith('.wal') && at + stride > content.length
      const damaged = Uint8Array.from(content).fill(at % 2 === 0 ? 0 : 0xff, at, at + 40)
      if (removed) disk.delete(path)
      else disk.set(path, damaged)
      try {
        for (const result of await world.salvage(plainDisk(disk))) tally.set(result, (tally.get(result) ?? 0) + 1)
      } catch (error) {
        throw new Error(`seed ${seed}, damage at byte ${at} of ${path}`, { cause: error })
      }
    }
  }
  return tally
}

// DSYS_WAL_PROOF=<seeds> looks at so many programs, and at more places of each.
const exhaustive = Number(process.env.DSYS_WAL_PROOF ?? 0)
const seeds = exhaustive > 0 ? Array.from({ length: exhaustive }, (_, i) => i + 1) : [1, 4]

describe('damage anywhere in the log of three groups: each is whole, or says what it has lost and knows term and vote, or is refused (P-40, P-01)', () => {
  for (const seed of seeds) {
    test(`seed ${seed}`, { timeout: 600_000 }, async () => {
      const tally = await damageEverywhere(seed, exhaustive > 0 ? 37 : 509)
      for (const result of ['whole', 'salvaged', 'refused']) {
        ok((tally.get(result) ?? 0) > 2, `${tally.get(result) ?? 0} ${result}`)
      }
    })
  }
})

import { rejects } from 'node:assert/strict'
import type { MemoryDiskOptions } from '@dsys/storage-memory'
import { describe, expect, test } from 'vitest'
import { CrashWorld } from './crash-model.ts'

const STEPS = 72

/** How many disk operations the whole program of `seed` takes. */
async function operationsOf(seed: number): Promise<number> {
  const world = new CrashWorld(seed)
  await world.recover()
  await world.run(STEPS)
  return world.disk.operations
}

/** Runs `body`, which may end in a loss of power and in nothing else. */
async function untilPowerLoss(world: CrashWorld, body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } catch (error) {
    if (!world.disk.dead) throw error
  }
}

/** The program of `seed`, with a crash in operation `point`, a second one soon after, and a third at a moment of rest. */
async function crashAt(seed: number, point: number, disk: MemoryDiskOptions = {}): Promise<void> {
  const world = new CrashWorld(seed, disk)
  world.disk.crashAt(point)
  await untilPowerLoss(world, async () => {
    await world.recover()
    await world.run(STEPS)
  })
  world.disk.crash()
  world.disk.crashAt(world.disk.operations + ((point * 7) % 40))
  await untilPowerLoss(world, async () => {
    await world.recover()
    await world.run(6)
  })
  world.disk.crash()
  await world.recover()
  await world.run(12)
  world.disk.crash()
  await world.recover()
}

/**
 * The process is killed in operation `point` and starts again. What it finds may never have been synced, and yet it acts on
 * it: so a loss of power at any moment after that must not take it away.
 */
async function killAt(seed: number, point: number, disk: MemoryDiskOptions = {}): Promise<void> {
  const world = new CrashWorld(seed, disk)
  world.disk.crashAt(point)
  await untilPowerLoss(world, async () => {
    await world.recover()
    await world.run(STEPS)
  })
  world.disk.kill()
  // Power may also be lost while it makes durable what it found.
  if (point % 3 === 0) world.disk.crashAt(world.disk.operations + ((point * 7) % 23))
  await untilPowerLoss(world, async () => {
    await world.recover()
    if (point % 2 === 0) await world.run(3)
  })
  world.disk.crash()
  await world.recover()
}

async function everyCrash(
  seed: number,
  disk: MemoryDiskOptions = {},
  stride = 1,
  scenario: typeof crashAt = crashAt,
): Promise<number> {
  const operations = await operationsOf(seed)
  for (let point = 0; point < operations; point += stride) {
    try {
      await scenario(seed, point, disk)
    } catch (error) {
      throw new Error(`seed ${seed}, crash in operation ${point} of ${operations}`, { cause: error })
    }
  }
  return operations
}

describe('a crash in any disk operation loses nothing acknowledged and invents nothing', () => {
  for (const seed of [1, 4]) {
    test(`seed ${seed}`, { timeout: 60_000 }, async () => {
      expect(await everyCrash(seed)).toBeGreaterThan(100)
    })
  }
})

describe('what a process finds after it was killed is durable before it acts on it', () => {
  for (const seed of [1, 4]) {
    test(`seed ${seed}`, { timeout: 60_000 }, async () => {
      expect(await everyCrash(seed, {}, 1, killAt)).toBeGreaterThan(100)
    })
  }
})

describe('the search sees a disk that', () => {
  test('acknowledges before it syncs', () =>
    rejects(everyCrash(1, { ignores: ['durableWrites'] }, 3), /crash in operation/))
  test('does not sync directories', () =>
    rejects(everyCrash(1, { ignores: ['sync-directory'] }, 3), /crash in operation/))
})

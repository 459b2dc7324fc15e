import type { DiskGate, DiskOperation } from '@dsys/storage-memory'
import { type Landing, landed, landings, type Sparseness } from '../../../tooling/fixtures/torn-writes.ts'
import { CrashWorld } from './crash-model.ts'
import { type DiskImage, imageOf, plainDisk } from './plain-disk.ts'

function withLanding(image: DiskImage, { path, position = 0, data }: DiskOperation, landing: Landing): DiskImage {
  const before = image.get(path) ?? new Uint8Array(0)
  return new Map(image).set(path, landed(before, position, data as Uint8Array, landing))
}

/**
 * Runs the program of `seed`, of `steps` operations, and a second life. Before each operation of the disk, and in every part of each
 * write, it looks at what a node would find if power were lost there. Returns how many such places it has looked at.
 */
export async function tearEverywhere(seed: number, steps: number, sparse: Sparseness): Promise<number> {
  let places = 0
  let turn: Promise<unknown> = Promise.resolve()
  const look = async (image: DiskImage, what: () => string): Promise<void> => {
    places++
    try {
      await world.inspect(plainDisk(image))
    } catch (error) {
      throw new Error(`seed ${seed}, ${what()}`, { cause: error })
    }
  }
  const visit = async (operation: DiskOperation): Promise<void> => {
    if (!operation.changes) return
    const image = imageOf(world.disk)
    const { type, path, position = 0, data } = operation
    await look(image, () => `power is lost before ${type} ${path}`)
    if (data === undefined) return
    for (const landing of landings(position, data.length, sparse, places)) {
      const where = (): string =>
        `of the ${data.length} bytes at ${position} of ${path} land ${JSON.stringify(landing)}`
      await look(withLanding(image, operation, landing), where)
    }
  }
  let failure: unknown
  const gate: DiskGate = (operation, effect) => {
    // One at a time: what is acknowledged meanwhile must not be expected of an older disk.
    const done = turn.then(async () => {
      if (failure === undefined && operation.type !== 'close' && operation.type !== 'unlock') {
        await visit(operation).catch((error: unknown) => {
          failure = error
        })
      }
      return effect('done')
    })
    turn = done.catch(() => undefined)
    return done
  }
  const world = new CrashWorld(seed, {}, gate)
  await world.recover()
  await world.run(steps)
  world.disk.kill()
  await world.recover()
  await world.run(4)
  await world.stop()
  if (failure !== undefined) throw failure
  return places
}

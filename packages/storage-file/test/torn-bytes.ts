import type { DiskGate, DiskOperation } from '@dsys/storage-memory'
import { CrashWorld } from './crash-model.ts'
import { type DiskImage, imageOf, plainDisk } from './plain-disk.ts'

const SECTOR_BYTES = 512
/** Writes of more sectors are torn at every byte, but not into every set of their sectors. */
const MOST_SECTORS = 6

/** How much of all that is possible is tried: one of so many. 1 tries all. */
export interface Sparseness {
  readonly bytes: number
  readonly sectors: number
}

/** Which parts of a write reach the disk: ranges of its bytes. */
type Landing = readonly (readonly [from: number, to: number])[]

/** Every beginning of a write of `length` bytes; of a sparse choice, the shortest and the longest always. */
function* beginnings(length: number, stride: number, phase: number): Generator<Landing> {
  for (let cut = 1; cut <= length; cut++) {
    if (cut === 1 || cut >= length - 1 || (cut + phase) % stride === 0) yield [[0, cut]]
  }
}

/** Every set of the sectors of a write at `position`: the file system promises nothing about their order. */
function* sectorSets(position: number, length: number, stride: number, phase: number): Generator<Landing> {
  const edges = [0]
  for (let end = SECTOR_BYTES - (position % SECTOR_BYTES); end < length; end += SECTOR_BYTES) edges.push(end)
  const sectors = edges.map((from, i) => [from, edges[i + 1] ?? length] as const)
  if (sectors.length > MOST_SECTORS) return
  for (let set = 1; set < 2 ** sectors.length; set++) {
    if ((set + phase) % stride === 0) yield sectors.filter((_, i) => (set & (1 << i)) !== 0)
  }
}

function withLanding(image: DiskImage, { path, position = 0, data }: DiskOperation, landing: Landing): DiskImage {
  const before = image.get(path) ?? new Uint8Array(0)
  const end = landing.at(-1)?.[1] ?? 0
  const content = new Uint8Array(Math.max(before.length, position + end))
  content.set(before)
  for (const [from, to] of landing) content.set((data as Uint8Array).subarray(from, to), position + from)
  return new Map(image).set(path, content)
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
    const landings = [
      ...beginnings(data.length, sparse.bytes, places),
      ...sectorSets(position, data.length, sparse.sectors, places),
    ]
    for (const landing of landings) {
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

import { deepEqual, ok, rejects } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import type { GroupLog, HardState, LogEntry } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { type DiskGate, MemoryDisk } from '@dsys/storage-memory'
import { describe, expect, test } from 'vitest'
import { imageOf } from './plain-disk.ts'
import { entry } from './storage-on-memory.ts'

const SEGMENT_BYTES = 4_096
/** Of the busy group, of 600 bytes each: six fill a segment. */
const WRITES = 66
const COMPACT_EVERY = 4
/** At this write the group that is nearly asleep gets an entry, and its second, which is in an old segment, is replaced. */
const TRICKLE_AT = 20
const FIRST: HardState = { term: 1, votedFor: 'a' }

interface Held {
  readonly hardState: HardState
  readonly entries: readonly LogEntry[]
}

/** The states that a group has been in, and up to which one it was acknowledged. */
class Seen {
  states: Held[] = [{ hardState: { term: 0, votedFor: undefined }, entries: [] }]
  acknowledged = 0

  follow(state: Held, done: Promise<void>): Promise<void> {
    const position = this.states.push(state) - 1
    return done.then(() => {
      this.acknowledged = Math.max(this.acknowledged, position)
    })
  }

  /** What was found is what the next life goes on from. */
  check(name: string, { hardState, entries }: Held): void {
    const found = { hardState: plain(hardState), entries: entries.map(plainEntry) }
    const legal = this.states
      .slice(this.acknowledged)
      .map((state) => ({ hardState: plain(state.hardState), entries: state.entries.map(plainEntry) }))
    if (!legal.some((state) => isDeepStrictEqual(state, found))) deepEqual(found, legal.at(-1), name)
    this.states = [{ hardState, entries }]
    this.acknowledged = 0
  }
}

const plain = ({ term, votedFor }: HardState): unknown => ({ term, votedFor })
const plainEntry = ({ index, term, data }: LogEntry): string => `${index} ${term} ${Buffer.from(data).toString('hex')}`

/** Groups that sleep, one of them closed, beside one that writes. */
class World {
  readonly disk: MemoryDisk
  readonly seen = new Map(['asleep', 'nearly', 'closed'].map((name) => [name, new Seen()]))
  busyThrough = 0
  longest = 0
  /** A disk behind a gate does not crash. */
  gated = false
  /** Runs once, when something is written to the log the next time, and is waited for. */
  whenWritten: (() => Promise<unknown>) | undefined
  /** Runs once, when a segment is read the next time, and is waited for. */
  whenRead: (() => Promise<unknown>) | undefined
  #life = 0
  storage: FileLogStorage | undefined
  readonly logs = new Map<string, GroupLog>()
  readonly #rewriteAfterBytes: number

  constructor(rewriteAfterBytes = SEGMENT_BYTES) {
    this.disk = new MemoryDisk(new SeededRandom(7))
    this.#rewriteAfterBytes = rewriteAfterBytes
  }

  async start(): Promise<void> {
    this.logs.clear()
    const ports = {
      ...systemRuntime({ random: new SeededRandom(this.#life++), clock: new VirtualClock() }),
      disk: this.disk.mount(this.gated ? { gate: (operation, effect) => this.#gate(operation, effect) } : {}),
    }
    const options = { directory: 'n', segmentBytes: SEGMENT_BYTES, rewriteAfterBytes: this.#rewriteAfterBytes }
    this.storage = new FileLogStorage(ports, { ...options, maxBatchBytes: 1_024 })
    await this.storage.start()
  }

  #gate: DiskGate = async ({ type, path, data }, effect) => {
    if (path.endsWith('.wal') && type === 'read' && this.whenRead !== undefined) {
      const before = this.whenRead
      this.whenRead = undefined
      await before()
    }
    // Segments that are made in advance are written in larger pieces, under another name that they keep for who has them open.
    const isBatch = path.includes('/wal/') && type === 'write' && (data?.length ?? 0) < 1_024
    if (isBatch && this.whenWritten !== undefined) {
      const before = this.whenWritten
      this.whenWritten = undefined
      await before()
    }
    return effect('done')
  }

  async open(name: string): Promise<GroupLog> {
    const log = await (this.storage as FileLogStorage).openGroup(name)
    this.logs.set(name, log)
    return log
  }

  /** Starts, and compares what is there with what must be. */
  async recover(): Promise<void> {
    await this.start()
    for (const [name, seen] of this.seen) seen.check(name, (await this.open(name)).recovered)
    const { recovered } = await this.open('busy')
    const last = recovered.entries.at(-1)?.index ?? recovered.snapshot?.index ?? 0
    ok(last >= this.busyThrough, `the busy group ends at ${last} and had ${this.busyThrough}`)
    this.busyThrough = last
    if ((this.seen.get('closed') as Seen).states[0]?.entries.length === 3)
      await this.logs.get('closed')?.[Symbol.asyncDispose]()
  }

  #write(name: string, hardState: HardState, entries: readonly LogEntry[], added: readonly LogEntry[]): Promise<void> {
    const log = this.logs.get(name) as GroupLog
    return (this.seen.get(name) as Seen).follow({ hardState, entries }, log.persist({ hardState, entries: added }))
  }

  /** What the groups have that sleep from then on. */
  async begin(): Promise<void> {
    const few = [1, 2, 3].map((index) => entry(index, Buffer.from(`few ${index}`)))
    await Promise.all(['asleep', 'nearly', 'closed'].map((name) => this.#write(name, FIRST, few, few)))
    await this.logs.get('closed')?.[Symbol.asyncDispose]()
  }

  async run(): Promise<void> {
    const busy = this.logs.get('busy') as GroupLog
    for (let i = 0; i < WRITES; i++) {
      const index = this.busyThrough + 1
      const written = busy.persist({ entries: [entry(index, Buffer.alloc(600, index))] })
      await Promise.all([written, i === TRICKLE_AT ? this.trickle() : undefined])
      this.busyThrough = index
      if (i % COMPACT_EVERY === 0) {
        await busy.saveSnapshot({ index, term: 1, context: new Uint8Array(0) }, [Buffer.from('state')])
        await busy.compact(index)
      }
      this.longest = Math.max(this.longest, this.segments())
    }
  }

  async trickle(): Promise<void> {
    const { entries } = (this.seen.get('nearly') as Seen).states.at(-1) as Held
    // Power was lost before it had any.
    if (entries.length === 0) return
    const added = [2, 3, 4].map((index) => ({ ...entry(index, Buffer.from(`later ${index}`)), term: 2 }))
    const kept = entries.filter(({ index }) => index < 2)
    await this.#write('nearly', { term: 2, votedFor: undefined }, [...kept, ...added], added)
  }

  segments(): number {
    return segmentPaths(this).length
  }
}

async function untilPowerLoss(world: World, body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } catch (error) {
    if (!world.disk.dead) throw error
  }
}

test('groups that sleep, open or closed, do not keep the log from being cut, and lose nothing by it', async () => {
  for (const rewriteAfterBytes of [SEGMENT_BYTES, 100 * SEGMENT_BYTES]) {
    const world = new World(rewriteAfterBytes)
    await world.recover()
    await world.begin()
    await world.run()
    // So the search below goes through what it is about; and without it, the log is as long as all that was ever written.
    if (rewriteAfterBytes === SEGMENT_BYTES) expect(world.longest).toBeLessThanOrEqual(7)
    else expect(world.longest).toBeGreaterThan(10)
    for (let life = 0; life < 3; life++) {
      await (world.storage as FileLogStorage).stop()
      await world.recover()
      await world.run()
    }
    if (rewriteAfterBytes === SEGMENT_BYTES) expect(world.longest).toBeLessThanOrEqual(8)
  }
})

test('a group that was written anew goes on as any other, and is found again when it is opened meanwhile', async () => {
  const world = new World()
  await world.recover()
  await world.begin()
  const busy = world.run()
  for (let i = 0; i < 40; i++) {
    const closed = await world.open('closed')
    expect(closed.recovered.entries.length).toBe(3)
    await closed[Symbol.asyncDispose]()
  }
  await busy
  await world.trickle()
  const asleep = world.logs.get('asleep') as GroupLog
  await asleep.persist({ entries: [entry(3, Buffer.from('replaced'), 2), entry(4, Buffer.from('more'), 2)] })
  await asleep.persist({ entries: [entry(5, Buffer.from('last'), 2)] })
  await (world.storage as FileLogStorage).stop()
  await world.start()
  const found = (await world.open('asleep')).recovered.entries.map(({ data }) => Buffer.from(data).toString())
  expect(found).toEqual(['few 1', 'few 2', 'replaced', 'more', 'last'])
})

describe('power is lost in any operation of the disk while entries are written anew', () => {
  /** A crash in operation `point`, and another soon after the next start; by `kill` the process alone ends the first time. */
  async function crashAt(point: number, end: 'crash' | 'kill'): Promise<void> {
    const world = new World()
    world.disk.crashAt(point)
    await untilPowerLoss(world, async () => {
      await world.recover()
      await world.begin()
      await world.run()
    })
    world.disk[end]()
    world.disk.crashAt(world.disk.operations + 25 + (point % 60))
    await untilPowerLoss(world, async () => {
      await world.recover()
      await world.run()
    })
    world.disk.crash()
    await world.recover()
    await world.trickle()
    world.disk.crash()
    await world.recover()
  }

  async function everyCrash(end: 'crash' | 'kill', stride: number): Promise<number> {
    const whole = new World()
    await whole.recover()
    await whole.begin()
    await whole.run()
    const { operations } = whole.disk
    for (let point = 0; point < operations; point += stride) {
      try {
        await crashAt(point, end)
      } catch (error) {
        throw new Error(`${end} in operation ${point} of ${operations}`, { cause: error })
      }
    }
    return operations
  }

  // DSYS_WAL_PROOF tries every point.
  const stride = process.env.DSYS_WAL_PROOF === undefined ? 23 : 1
  for (const end of ['crash', 'kill'] as const) {
    test(`nothing acknowledged is lost, nothing is invented: by a ${end}`, { timeout: 60_000 }, async () => {
      expect(await everyCrash(end, stride)).toBeGreaterThan(300)
    })
  }
})

describe('what is written anew is what there is', () => {
  async function untilLong(world: World): Promise<void> {
    await world.recover()
    await world.begin()
  }

  test('not where damage took a batch that may have replaced it: that stays, and is told', async () => {
    const world = new World()
    await untilLong(world)
    const first = segmentPaths(world)[0] as string
    // The checkpoint of the segment is whole; the first batch behind it, with the few entries, is not.
    const bytes = Buffer.from(world.disk.content(first))
    const at = bytes.indexOf('few 2')
    const file = await world.disk.mount().open(first)
    await file.write(at, Buffer.from('FEW'))
    await file.close()
    await world.run()
    expect(world.longest).toBeGreaterThan(9)
    await (world.storage as FileLogStorage).stop()
    await world.start()
    await rejects(world.open('asleep'), { code: 'DSYS_STORAGE_CORRUPT' })
  })

  test('also where a batch is damaged that replaced an entry by one of the same term', async () => {
    const world = new World()
    await untilLong(world)
    const asleep = world.logs.get('asleep') as GroupLog
    await asleep.persist({ entries: [entry(3, Buffer.from('replaced'))] })
    const first = segmentPaths(world)[0] as string
    const file = await world.disk.mount().open(first)
    await file.write(Buffer.from(world.disk.content(first)).indexOf('replaced'), Buffer.from('REP'))
    await file.close()
    await world.run()
    expect(world.longest).toBeGreaterThan(9)
    await (world.storage as FileLogStorage).stop()
    await world.start()
    await rejects(world.open('asleep'), { code: 'DSYS_STORAGE_CORRUPT' })
  })

  const meanwhile: [string, (world: World) => Promise<unknown>, string[]][] = [
    [
      'is written',
      (world) => (world.logs.get('asleep') as GroupLog).persist({ entries: [entry(3, Buffer.from('new 3'))] }),
      ['few 1', 'few 2', 'new 3'],
    ],
    [
      'is closed, opened and written',
      async (world) => {
        await world.logs.get('asleep')?.[Symbol.asyncDispose]()
        // Opening waits for what is under way, which waits for this.
        void world.open('asleep').then((log) => log.persist({ entries: [entry(4, Buffer.from('new 4'))] }))
      },
      ['few 1', 'few 2', 'few 3', 'new 4'],
    ],
    [
      'has a write that waits for another',
      async (world) => {
        const [held, waits] = [later(), later()]
        world.whenWritten = () => {
          waits.resolve()
          return held.promise
        }
        await waits.promise
        void (world.logs.get('asleep') as GroupLog).persist({ entries: [entry(3, Buffer.from('new 3'))] })
        // What was read comes to its end long before.
        void passed(500).then(held.resolve)
      },
      ['few 1', 'few 2', 'new 3'],
    ],
  ]
  for (const [what, body, expected] of meanwhile) {
    test(`not of a group that ${what} while it is read`, async () => {
      const world = new World()
      world.gated = true
      await untilLong(world)
      world.whenRead = () => body(world)
      await world.run()
      expect(world.whenRead).toBeUndefined()
      await (world.storage as FileLogStorage).stop()
      await world.start()
      const { entries } = (await world.open('asleep')).recovered
      expect(entries.map(({ data }) => Buffer.from(data).toString())).toEqual(expected)
    })
  }

  test('without what was compacted, which holds no segment either', async () => {
    const world = new World()
    await untilLong(world)
    const asleep = world.logs.get('asleep') as GroupLog
    await asleep.saveSnapshot({ index: 2, term: 1, context: new Uint8Array(0) }, [Buffer.from('state')])
    await asleep.compact(2)
    await world.run()
    expect(world.longest).toBeLessThanOrEqual(7)
    await (world.storage as FileLogStorage).stop()
    await world.start()
    const { entries } = (await world.open('asleep')).recovered
    expect(entries.map(({ data }) => Buffer.from(data).toString())).toEqual(['few 3'])
  })

  test('not where it is more than a quarter of what lets go', async () => {
    const world = new World()
    await untilLong(world)
    const asleep = world.logs.get('asleep') as GroupLog
    await asleep.persist({ entries: [entry(4, Buffer.alloc(1_200))] })
    await world.run()
    expect(world.longest).toBeGreaterThan(9)
  })
})

function later(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** After so many turns of what waits for nothing but promises, as everything does here. */
async function passed(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
}

const segmentPaths = (world: World): string[] =>
  [...imageOf(world.disk).keys()].filter((path) => path.endsWith('.wal')).sort()

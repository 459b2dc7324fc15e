import { AssertionError, deepStrictEqual, ok } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { type Runtime, SeededRandom } from '@dsys/runtime'
import type { GroupLog, LogStorage, RecoveredLog } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { type DiskGate, type DiskOperation, MemoryDisk, type UnsyncedFate } from '@dsys/storage-memory'
import type { Transport } from '@dsys/transport'
import { landed, landings, type Sparseness } from '../../../../../tooling/fixtures/torn-writes.ts'
import type { AppendAccepted } from '../../../src/core/messages.ts'
import { encodeFrame, incarnationIn } from '../../../src/wire.ts'
import { Cluster } from './cluster.ts'
import { type InstallProgram, type Place, VOTERS } from './install-program.ts'
import { type Add, type CounterState, counter } from './machines.ts'

const NODE = 'n2'
const CHANNEL = 'raft-test'
const STEP_WITHIN_MS = 500

/** What a follower may be found with, if it stops now. */
interface Legal {
  readonly places: readonly Place[]
  /** Those of the last step that was acknowledged, and of the present one. */
  readonly terms: readonly [from: number, to: number]
  /** Once the node has told it, it is never another. */
  readonly incarnation: number | undefined
}

/** What a disk held before an operation, that operation, and what may be found there. */
interface Moment {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly operation: Pick<DiskOperation, 'type' | 'path'>
  readonly position: number
  readonly data: Uint8Array
  readonly legal: Legal
}

const plain = ({ snapshot, entries }: Pick<Place, 'snapshot' | 'entries'>): unknown => ({
  snapshot: snapshot && [snapshot.index, snapshot.term, Buffer.from(snapshot.context).toString('hex')],
  entries: entries.map(({ index, term, kind, data }) => [index, term, kind, Buffer.from(data).toString('hex')]),
})

/** A storage that remembers what was found in it. */
class SeenStorage extends FileLogStorage {
  recovered: RecoveredLog | undefined

  override async openGroup(...args: Parameters<LogStorage['openGroup']>): Promise<GroupLog> {
    const log = await super.openGroup(...args)
    this.recovered = log.recovered
    return log
  }
}

/** A follower whose log is in files, and a leader that does to it what a program says. */
export class InstallWorld implements AsyncDisposable {
  readonly disk: MemoryDisk
  readonly #cluster: Cluster<CounterState, Add, number>
  readonly #leader: Transport
  readonly #gate: DiskGate | undefined
  #storage: SeenStorage | undefined
  #lives = 0
  #acknowledged = 0
  #underWay = 0
  #incarnation: number | undefined
  readonly #program: InstallProgram

  constructor(program: InstallProgram, disk: MemoryDisk, gate?: DiskGate) {
    this.#program = program
    this.disk = disk
    this.#gate = gate
    const storage = { open: (_id: string, runtime: Runtime): LogStorage => this.#open(runtime), crash: () => undefined }
    const raft = { snapshotEveryBytes: 1_000_000 }
    this.#cluster = new Cluster(counter, { ids: VOTERS, raft, storage })
    this.#leader = this.#cluster.network.endpoint('n1')
    this.#cluster.filter = (_from, _to, message) => {
      if (message.type === 'append-accepted') this.#told(message)
      return true
    }
  }

  #open(runtime: Runtime): LogStorage {
    // Segments of two lives must not get the same id.
    const random = new SeededRandom(++this.#lives)
    const disk = this.disk.mount(this.#gate === undefined ? {} : { gate: this.#gate })
    this.#storage = new SeenStorage({ ...runtime, random, disk }, { directory: 'n', segmentBytes: 4_096 })
    return this.#storage
  }

  /** What a crash may leave now. */
  legal(): Legal {
    const { steps } = this.#program
    const [from, to] = [this.#acknowledged, this.#underWay]
    return {
      places: Array.from({ length: to - from + 1 }, (_, i) => this.#program.behind(from + i)),
      terms: [steps[from - 1]?.term ?? 0, steps[to - 1]?.term ?? 0],
      incarnation: this.#incarnation,
    }
  }

  /** Starts the node, and looks whether it found what is legal. */
  async start(legal: Legal = this.legal()): Promise<void> {
    if (this.#lives === 0) {
      await this.#leader.start()
      this.#leader.listen(CHANNEL, (frame) => {
        this.#incarnation = incarnationIn(frame)
      })
    }
    const raft = await this.#cluster.start(NODE)
    const recovered = this.#storage?.recovered as RecoveredLog
    const { snapshot, entries, hardState } = recovered
    const found = plain({ snapshot, entries })
    const place = legal.places.find((each) => isDeepStrictEqual(plain(each), found))
    if (place === undefined) deepStrictEqual(found, legal.places.map(plain))
    const { term, votedFor, incarnation } = hardState
    // A snapshot may be durable before the term that it came in.
    ok(term >= legal.terms[0] && term <= legal.terms[1], `term ${term} is not one of ${legal.terms.join(' to ')}`)
    deepStrictEqual(votedFor, undefined)
    if (legal.incarnation !== undefined) deepStrictEqual(incarnation, legal.incarnation)
    const { role, snapshotIndex, lastIndex, lastApplied } = raft.status()
    const index = snapshot?.index ?? 0
    const last = entries.at(-1)?.index ?? index
    // Only what the snapshot holds is known to be committed (P-43).
    deepStrictEqual([role, snapshotIndex, lastApplied, lastIndex], ['follower', index, index, last])
    deepStrictEqual((await this.#cluster.state(NODE)).applied, place?.applied)
  }

  /** The leader does what the program says, from where the follower is, until it is done, or `most` steps are, or the disk loses power. */
  async run(most = Number.POSITIVE_INFINITY): Promise<void> {
    const { steps } = this.#program
    // Where nothing is left to do it says the last thing again: a node that begins anew knows of no commit.
    const first = Math.min(this.#acknowledged, steps.length - 1)
    for (const [i, step] of [...steps.entries()].slice(first, first + most)) {
      this.#underWay = i + 1
      for (const message of step.messages) this.#leader.send({ id: NODE }, CHANNEL, encodeFrame([message]))
      for (let ms = 0; this.#acknowledged <= i && !this.disk.dead; ms++) {
        if (ms > STEP_WITHIN_MS) throw new Error(`no answer to ${step.what}: ${this.#cluster.describe()}`)
        await this.#cluster.advance(1)
      }
      if (this.disk.dead) return
    }
  }

  /** The node gives its word: from this moment on, not from when it is heard. */
  #told({ term, matchIndex }: AppendAccepted): void {
    const step = this.#program.steps[this.#underWay - 1]
    if (step !== undefined && term === step.term && matchIndex >= step.matchIndex) this.#acknowledged = this.#underWay
  }

  /** Power is lost, and back. */
  crash(fate: UnsyncedFate): void {
    // It may have been lost before there was a node.
    if (this.#cluster.lives.has(NODE)) this.#cluster.crash(NODE)
    this.disk.crash(fate)
  }

  /** Whether the follower has applied all that the program brought. */
  async expectDone(): Promise<void> {
    await this.#cluster.advance(5)
    deepStrictEqual((await this.#cluster.state(NODE)).applied, this.#program.applied)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]()
  }
}

const FATES: readonly UnsyncedFate[] = ['lost', 'drawn', 'kept', 'drawn', 'drawn', 'drawn']

const diskOf = (seed: number): MemoryDisk => new MemoryDisk(new SeededRandom(seed))

/** Starts the node and has the leader do its work, which may end in a loss of power and in nothing else. */
async function untilPowerLoss(world: InstallWorld): Promise<void> {
  try {
    await world.start()
    await world.run()
  } catch (error) {
    if (!world.disk.dead || error instanceof AssertionError) throw error
  }
}

/**
 * Power is lost in each operation of the disk, and again when the program has gone on for two steps. What was not synced is lost, kept, or some of it: all of these
 * in each operation if `thorough`, and another loss of power soon behind it, else one of them. Returns how many operations there are.
 */
export async function crashEverywhere(program: InstallProgram, thorough: boolean): Promise<number> {
  const disk = diskOf(0)
  {
    await using world = new InstallWorld(program, disk)
    await world.start()
    await world.run()
    await world.expectDone()
  }
  for (let point = 0; point < disk.operations; point++) {
    for (const [i, fate] of thorough ? FATES.entries() : [[point, FATES[point % 3] ?? 'drawn'] as const]) {
      try {
        await using world = new InstallWorld(program, diskOf(100 * point + i))
        world.disk.crashAt(point)
        await untilPowerLoss(world)
        world.crash(fate)
        if (thorough) {
          world.disk.crashAt(world.disk.operations + ((point * 7 + i) % 60))
          await untilPowerLoss(world)
          world.crash(fate)
        }
        // What is acknowledged behind a crash counts as much.
        await world.start()
        await world.run(2)
        world.crash(fate)
        await world.start()
        await world.run()
        await world.expectDone()
      } catch (error) {
        throw new Error(`power lost in operation ${point} of ${disk.operations}, ${fate}`, { cause: error })
      }
    }
  }
  return disk.operations
}

/**
 * Power is lost before each operation of the disk, and in any part of each write, with all that was written before on the disk. Returns how many such
 * places it has looked at.
 */
export async function tearEverywhere(program: InstallProgram, sparse: Sparseness): Promise<number> {
  const moments: Moment[] = []
  const disk = diskOf(0)
  const gate: DiskGate = async (operation, effect) => {
    await Promise.resolve()
    if (operation.changes) {
      const files = new Map(disk.files().map(({ path }) => [path, disk.content(path)]))
      const { position = 0, data = [] } = operation
      moments.push({ files, operation, position, data: Uint8Array.from(data), legal: world.legal() })
    }
    return effect('done')
  }
  const world = new InstallWorld(program, disk, gate)
  await world.start()
  await world.run()
  let places = 0
  for (const { files, operation, position, data, legal } of moments) {
    const { type, path } = operation
    for (const landing of [[], ...landings(position, data.length, sparse, places)]) {
      places++
      const content = landed(files.get(path) ?? new Uint8Array(0), position, data, landing)
      try {
        const disk = await diskWith(landing.length === 0 ? files : new Map(files).set(path, content))
        await using found = new InstallWorld(program, disk)
        await found.start(legal)
      } catch (error) {
        const lands = `of the ${data.length} bytes at ${position} land ${JSON.stringify(landing)}`
        throw new Error(`power lost at ${type} ${path}, ${lands}`, { cause: error })
      }
    }
  }
  await world[Symbol.asyncDispose]()
  return places
}

/** A disk on which all of this is durable. */
async function diskWith(files: ReadonlyMap<string, Uint8Array>): Promise<MemoryDisk> {
  const disk = diskOf(1)
  const mounted = disk.mount()
  for (const [path, content] of files) {
    const folders = path.split('/').slice(0, -1)
    for (const i of folders.keys()) await mounted.createDirectory(folders.slice(0, i + 1).join('/'))
    const file = await mounted.open(path, { create: true })
    await file.write(0, content)
    await file.close()
  }
  disk.crash('kept')
  return disk
}

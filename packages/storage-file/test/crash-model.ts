import { AssertionError, deepStrictEqual } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { type Random, SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import {
  CorruptionError,
  type Disk,
  entriesBehind,
  type GroupLog,
  type HardState,
  type LogEntry,
  type LogWrite,
  type SnapshotMeta,
} from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { type DiskGate, MemoryDisk, type MemoryDiskOptions } from '@dsys/storage-memory'

/** What the log of a group holds after some number of its writes. */
interface LogModel {
  readonly hardState: HardState
  readonly entries: readonly LogEntry[]
}

interface SnapshotModel {
  readonly meta: SnapshotMeta
  readonly content: Buffer
}

/** What may be found of a group: the state after each of its writes, and how many of them were acknowledged. */
class GroupModel {
  readonly name: string
  states: LogModel[] = [{ hardState: { term: 0, votedFor: undefined }, entries: [] }]
  acknowledged = 0
  /** Oldest first; only the last may not be acknowledged. `undefined`: none yet. */
  snapshots: (SnapshotModel | undefined)[] = [undefined]
  acknowledgedSnapshot = 0
  lastIndex = 0
  /** Every entry that there ever was. */
  readonly written: LogEntry[] = []

  constructor(name: string) {
    this.name = name
  }

  get now(): LogModel {
    return this.states.at(-1) as LogModel
  }

  get snapshotIndex(): number {
    return this.snapshots[this.acknowledgedSnapshot]?.meta.index ?? 0
  }

  /** The only states that a recovery may give. */
  legal(snapshot: SnapshotModel | undefined): unknown[] {
    return this.states
      .slice(this.acknowledged)
      .map(({ hardState, entries }) => plain(hardState, entriesBehind(snapshot?.meta, entries)))
  }

  /** What was found is durable: it is what the next recovery must give. */
  settle(hardState: HardState, entries: readonly LogEntry[], snapshot: SnapshotModel | undefined): void {
    this.states = [{ hardState, entries: [...entries] }]
    this.acknowledged = 0
    this.snapshots = [snapshot]
    this.acknowledgedSnapshot = 0
    this.lastIndex = entries.at(-1)?.index ?? snapshot?.meta.index ?? 0
  }
}

const plain = (hardState: HardState, entries: readonly LogEntry[]): unknown => ({
  term: hardState.term,
  votedFor: hardState.votedFor,
  entries: entries.map(plainEntry),
})

const plainEntry = ({ index, term, kind, data }: LogEntry): string =>
  `${index} ${term} ${kind} ${Buffer.from(data).toString('base64')}`

/** Passes over damage that was reported, and nothing else. */
function isCorruption(error: unknown): true {
  if (error instanceof CorruptionError) return true
  throw error
}

function cutAndAppend(entries: readonly LogEntry[], added: readonly LogEntry[]): LogEntry[] {
  const first = added[0]?.index ?? 0
  const kept = entries.filter(({ index }) => index < first)
  return kept.length > 0 && kept.at(-1)?.index !== first - 1 ? [...added] : [...kept, ...added]
}

/** A node's storage on a simulated disk, driven by chance and compared with a model after each crash. */
export class CrashWorld {
  readonly #random: Random
  readonly disk: MemoryDisk
  readonly #models = ['a', 'b', 'c'].map((name) => new GroupModel(name))
  #storage: FileLogStorage | undefined
  readonly #logs = new Map<string, GroupLog>()
  #term = 1
  #pending: Promise<void>[] = []
  #dead = false
  #lives = 0

  readonly #gate: DiskGate | undefined

  /** @param gate stands between the storage and its disk. */
  constructor(seed: number, disk: MemoryDiskOptions = {}, gate?: DiskGate) {
    this.#random = new SeededRandom(seed)
    this.#gate = gate
    this.disk = new MemoryDisk(this.#random.stream('disk'), disk)
  }

  /** Starts over what is durable, and checks it. Throws AssertionError when something was lost or invented. */
  async recover(): Promise<void> {
    this.#logs.clear()
    this.#pending = []
    this.#dead = false
    const random = this.#random.stream(`storage ${this.disk.operations} ${this.#lives++}`)
    const gate = this.#gate
    this.#storage = this.#over(this.disk.mount(gate === undefined ? {} : { gate }), random)
    await this.#storage.start()
    for (const model of this.#models) await this.#openAndCheck(model)
  }

  #over(disk: Disk, random: Random): FileLogStorage {
    const ports = { ...systemRuntime({ random, clock: new VirtualClock() }), disk }
    return new FileLogStorage(ports, {
      directory: 'n',
      segmentBytes: 4_096,
      maxBatchBytes: 2_048,
      rewriteAfterBytes: 4_096,
    })
  }

  /** Checks what a node would find that started over `disk` now. This one goes on as if nothing had been. */
  async inspect(disk: Disk): Promise<void> {
    const storage = this.#over(disk, new SeededRandom(1))
    await storage.start()
    for (const model of this.#models) await this.#check(model, await storage.openGroup(model.name))
  }

  async #openAndCheck(model: GroupModel): Promise<void> {
    const log = await (this.#storage as FileLogStorage).openGroup(model.name)
    const { hardState, entries } = log.recovered
    const found = await this.#check(model, log)
    model.settle(hardState, entries, found)
    this.#logs.set(model.name, log)
  }

  /** Throws when `log` is not what the model allows. Gives the snapshot that was found. */
  async #check(model: GroupModel, log: GroupLog): Promise<SnapshotModel | undefined> {
    const { hardState, snapshot, entries } = log.recovered
    const candidates = model.snapshots.slice(model.acknowledgedSnapshot)
    const found = candidates.find((candidate) => candidate?.meta.index === snapshot?.index)
    if (found === undefined && snapshot !== undefined) throw new Error(`snapshot ${snapshot.index} was invented`)
    if (found === undefined && !candidates.includes(undefined)) throw new Error('an acknowledged snapshot was lost')
    if (found !== undefined) {
      const stored = log.snapshot()
      const content = Buffer.from((await stored?.read(0, 1_000_000)) ?? [])
      deepStrictEqual([stored?.meta.term, content.toString('hex')], [found.meta.term, found.content.toString('hex')])
    }
    const legal = model.legal(found)
    const actual = plain(hardState, entries)
    if (!legal.some((state) => isDeepStrictEqual(state, actual))) deepStrictEqual(actual, legal.at(-1))
    return found
  }

  /**
   * Opens every group with salvage over `disk`, which holds what this world has written, and damage. All of it was acknowledged. Says of each
   * group whether it is `whole`, `salvaged` with a loss that is told, or `refused`; throws when it is none of these.
   */
  async salvage(disk: Disk): Promise<('whole' | 'salvaged' | 'refused')[]> {
    const storage = this.#over(disk, new SeededRandom(2))
    const refused = await storage.start().then(() => false, isCorruption)
    const results: ('whole' | 'salvaged' | 'refused')[] = []
    for (const model of this.#models) {
      const log = refused ? undefined : await storage.openGroup(model.name, { salvage: true }).catch(isCorruption)
      if (typeof log !== 'object') {
        results.push('refused')
        continue
      }
      const { hardState, lost, entries } = log.recovered
      deepStrictEqual({ ...hardState }, { ...model.now.hardState }, 'term and vote are known, or the group is refused')
      if (lost === undefined) {
        const found = await this.#check(model, log)
        deepStrictEqual(found?.meta.index, model.snapshots.at(-1)?.meta.index)
        results.push('whole')
        continue
      }
      const held = Math.max(model.now.entries.at(-1)?.index ?? 0, model.snapshotIndex)
      deepStrictEqual(lost.throughIndex >= held && lost.fromIndex <= lost.throughIndex, true, JSON.stringify(lost))
      deepStrictEqual(lost.term >= (model.now.entries.at(-1)?.term ?? 0), true, JSON.stringify(lost))
      for (const entry of entries) {
        const known = model.written.some((each) => isDeepStrictEqual(plainEntry(each), plainEntry(entry)))
        deepStrictEqual(known, true, `entry ${entry.index} of term ${entry.term} was invented`)
      }
      const abstention = { throughIndex: lost.throughIndex, term: lost.term }
      const next = { index: lost.fromIndex, term: this.#term, kind: 1, data: new Uint8Array(3) }
      await log.persist({ hardState: { ...hardState, abstention }, entries: [next] })
      results.push('salvaged')
      this.#afterSalvage.set(model.name, plain(hardState, [...entries, next]))
    }
    if (!refused) await storage.stop()
    await this.#reopenSalvaged(disk, results)
    return results
  }

  readonly #afterSalvage = new Map<string, unknown>()

  /** What was salvaged is the log from then on, for those too who do not ask for salvage. */
  async #reopenSalvaged(disk: Disk, results: readonly string[]): Promise<void> {
    if (!results.includes('salvaged')) return
    const storage = this.#over(disk, new SeededRandom(3))
    await storage.start()
    for (const [i, model] of this.#models.entries()) {
      if (results[i] !== 'salvaged') continue
      const { hardState, lost, entries } = (await storage.openGroup(model.name)).recovered
      deepStrictEqual([lost, plain(hardState, entries)], [undefined, this.#afterSalvage.get(model.name)])
      deepStrictEqual(hardState.abstention !== undefined, true)
    }
    await storage.stop()
  }

  /** The process ends in good order, whatever has failed before. */
  async stop(): Promise<void> {
    await this.#storage?.stop()
  }

  /** Takes `steps` steps, or as many as the disk allows. */
  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps && !this.#dead; step++) {
      await this.#step(this.#random.stream(`step ${step} of ${this.disk.operations}`))
      if (this.#random.float() < 0.4) await Promise.all(this.#pending)
    }
    await Promise.all(this.#pending)
  }

  async #step(random: Random): Promise<void> {
    const model = this.#models[random.integer(0, this.#models.length)] as GroupModel
    const log = this.#logs.get(model.name) as GroupLog
    const kind = random.float()
    if (kind < 0.12 && model.lastIndex > model.snapshotIndex) await this.#snapshot(model, log, random)
    else if (kind < 0.26 && model.snapshotIndex > 0) this.#compact(model, log)
    else if (kind < 0.3 && model.snapshotIndex > 0) this.#reset(model, log)
    else if (kind < 0.33) await this.#reopen(model, log)
    else this.#write(model, log, random)
  }

  /** Follows a change that was issued; `after` is the state it leads to. */
  #issue(model: GroupModel, after: LogModel, done: Promise<void>): void {
    model.states.push(after)
    const position = model.states.length - 1
    this.#pending.push(
      done.then(
        () => {
          model.acknowledged = Math.max(model.acknowledged, position)
        },
        () => {
          this.#dead = true
        },
      ),
    )
  }

  #write(model: GroupModel, log: GroupLog, random: Random): void {
    const { hardState, entries } = model.now
    if (random.float() < 0.3) this.#term++
    const vote = random.float() < 0.5 ? `n${random.integer(1, 4)}` : undefined
    const next = random.float() < 0.3 ? { term: this.#term, votedFor: vote } : undefined
    let added: LogEntry[] = []
    if (next === undefined || random.float() < 0.7) {
      const lowest = Math.max(model.snapshotIndex + 1, model.lastIndex - 2)
      const first = random.float() < 0.25 ? random.integer(lowest, model.lastIndex + 2) : model.lastIndex + 1
      added = Array.from({ length: random.integer(1, 5) }, (_, i) => this.#entry(first + i, random))
      model.lastIndex = first + added.length - 1
    }
    const write: LogWrite = { ...(next ? { hardState: next } : {}), ...(added.length > 0 ? { entries: added } : {}) }
    const after = { hardState: next ?? hardState, entries: added.length > 0 ? cutAndAppend(entries, added) : entries }
    model.written.push(...added)
    this.#issue(model, after, log.persist(write))
  }

  #entry(index: number, random: Random): LogEntry {
    const length = random.integer(0, 400)
    const data = random.float() < 0.3 ? new Uint8Array(length) : random.bytes(length)
    return { index, term: this.#term, kind: random.integer(0, 256), data }
  }

  #compact(model: GroupModel, log: GroupLog): void {
    const upTo = model.snapshotIndex
    const { hardState, entries } = model.now
    this.#issue(model, { hardState, entries: entries.filter(({ index }) => index > upTo) }, log.compact(upTo))
  }

  #reset(model: GroupModel, log: GroupLog): void {
    model.lastIndex = model.snapshotIndex
    this.#issue(model, { hardState: model.now.hardState, entries: [] }, log.resetToSnapshot())
  }

  async #snapshot(model: GroupModel, log: GroupLog, random: Random): Promise<void> {
    await Promise.all(this.#pending)
    if (this.#dead) return
    const ahead = random.float() < 0.15
    const index = ahead ? model.lastIndex + 3 : random.integer(model.snapshotIndex + 1, model.lastIndex + 1)
    // What a leader sends may conflict with what is here.
    const conflicts = !ahead && random.float() < 0.2
    if (conflicts) this.#term++
    const found = model.now.entries.find((entry) => entry.index === index)?.term
    const term = conflicts ? this.#term : (found ?? this.#term)
    const content = Buffer.from(random.bytes(random.integer(0, 2_000)))
    const meta = { index, term, context: random.bytes(5) }
    model.snapshots.push({ meta, content })
    try {
      await log.saveSnapshot(meta, [content])
      model.acknowledgedSnapshot = model.snapshots.length - 1
      model.lastIndex = Math.max(model.lastIndex, index)
      if (ahead || conflicts) this.#reset(model, log)
    } catch {
      this.#dead = true
    }
  }

  async #reopen(model: GroupModel, log: GroupLog): Promise<void> {
    await Promise.all(this.#pending)
    if (this.#dead) return
    await log[Symbol.asyncDispose]()
    try {
      await this.#openAndCheck(model)
    } catch (error) {
      if (error instanceof AssertionError) throw error
      this.#dead = true
    }
  }
}

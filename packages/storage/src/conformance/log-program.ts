import { deepEqual, ok } from 'node:assert/strict'
import { entriesBehind } from '../log-rules.ts'
import type { GroupLog, HardState, LogEntry, LogStorage, LogWrite } from '../log-storage.ts'
import { contentOf, entry, meta, plain, run } from './log-place.ts'

/** What the log of a group holds after some of its calls. */
interface LogState {
  readonly hardState: HardState
  readonly entries: readonly LogEntry[]
}

interface Snapshot {
  readonly index: number
  readonly term: number
  readonly content: string
}

const filler = 'x'.repeat(600)
const large = (from: number, to: number, term: number): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term, `${from + i} of ${term} ${filler}`))

/** What may be found of a group: the state after each of its calls from the last one that was acknowledged. */
class Ledger {
  readonly #group: string
  #states: LogState[] = [{ hardState: { term: 0, votedFor: undefined }, entries: [] }]
  #snapshots: (Snapshot | undefined)[] = [undefined]

  constructor(group: string) {
    this.#group = group
  }

  get group(): string {
    return this.#group
  }

  get #now(): LogState {
    return this.#states.at(-1) as LogState
  }

  async persist(log: GroupLog, write: LogWrite): Promise<void> {
    const { hardState, entries } = this.#now
    const first = write.entries?.[0]?.index
    const after: LogState = {
      hardState: write.hardState ?? hardState,
      entries:
        first === undefined ? entries : [...entries.filter(({ index }) => index < first), ...(write.entries ?? [])],
    }
    await this.#follow(after, log.persist(write))
  }

  async compact(log: GroupLog, upTo: number): Promise<void> {
    const { hardState, entries } = this.#now
    await this.#follow({ hardState, entries: entries.filter(({ index }) => index > upTo) }, log.compact(upTo))
  }

  async reset(log: GroupLog): Promise<void> {
    await this.#follow({ hardState: this.#now.hardState, entries: [] }, log.resetToSnapshot())
  }

  async #follow(after: LogState, done: Promise<void>): Promise<void> {
    this.#states.push(after)
    await done
    this.#states = this.#states.slice(this.#states.indexOf(after))
  }

  async saveSnapshot(log: GroupLog, snapshot: Snapshot): Promise<void> {
    this.#snapshots.push(snapshot)
    const content = [snapshot.content.slice(0, 5), snapshot.content.slice(5)].map((part) => Buffer.from(part))
    await log.saveSnapshot(meta(snapshot.index, snapshot.term), content)
    this.#snapshots = [snapshot]
  }

  /** Asserts that what `log` recovered is one of the states that may be found; from now on it is the only one. */
  async settle(log: GroupLog): Promise<void> {
    const { hardState, snapshot, entries } = log.recovered
    const found = this.#snapshots.find((candidate) => candidate?.index === snapshot?.index)
    ok(found !== undefined || this.#snapshots.includes(undefined), `snapshot ${snapshot?.index} was invented or lost`)
    if (found !== undefined) deepEqual([snapshot?.term, await contentOf(log)], [found.term, found.content])
    const view = (state: LogState): unknown => ({
      term: state.hardState.term,
      votedFor: state.hardState.votedFor,
      entries: plain(entriesBehind(snapshot, state.entries)),
    })
    const actual = view({ hardState, entries })
    const legal = this.#states.map(view)
    const same = legal.some((state) => JSON.stringify(state) === JSON.stringify(actual))
    if (!same) deepEqual(actual, legal[0], `group ${this.#group}: none of the ${legal.length} states that may be found`)
    this.#states = [{ hardState, entries }]
    this.#snapshots = [found]
  }

  /** Writes one more entry, which must be there afterwards. */
  async goOn(log: GroupLog): Promise<void> {
    const next = (log.recovered.entries.at(-1)?.index ?? log.recovered.snapshot?.index ?? 0) + 1
    const { term } = log.recovered.hardState
    await this.persist(log, { hardState: { term: term + 1, votedFor: 'me' }, entries: [entry(next, term + 1)] })
  }
}

/**
 * A program that uses all that a log storage can do, on two groups, and knows what may be found after a crash in the
 * middle of it.
 */
export class LogProgram {
  readonly #a = new Ledger('a')
  readonly #b = new Ledger('b')

  /** Runs it on an empty storage. Throws what a call throws. */
  async run(storage: LogStorage): Promise<void> {
    const [a, b] = [await storage.openGroup('a'), await storage.openGroup('b')]
    await this.#a.persist(a, { hardState: { term: 1, votedFor: 'n1' }, entries: large(1, 3, 1) })
    await Promise.all([
      this.#b.persist(b, { entries: run(1, 2, 1) }),
      this.#a.persist(a, { entries: large(4, 6, 1) }),
      this.#b.persist(b, { hardState: { term: 2, votedFor: undefined }, entries: large(3, 4, 2) }),
    ])
    await this.#a.saveSnapshot(a, { index: 2, term: 1, content: 'the state at 2' })
    await this.#a.compact(a, 2)
    await this.#a.persist(a, { hardState: { term: 3, votedFor: 'n2' }, entries: large(5, 7, 3) })
    await this.#b.saveSnapshot(b, { index: 9, term: 3, content: filler })
    await this.#b.reset(b)
    await Promise.all([
      this.#b.persist(b, { entries: large(10, 12, 3) }),
      this.#a.persist(a, { hardState: { term: 4, votedFor: undefined } }),
    ])
    await this.#a.saveSnapshot(a, { index: 6, term: 3, content: 'the state at 6' })
    await this.#a.compact(a, 5)
    await this.#b.persist(b, { entries: run(11, 11, 4) })
    await this.#a.compact(a, 6)
    // It conflicts with the entry there.
    await this.#a.saveSnapshot(a, { index: 7, term: 4, content: 'the state at 7' })
    await this.#a.reset(a)
    await this.#a.persist(a, { entries: run(8, 9, 4) })
  }

  /** Asserts that what is found now may be found, and makes it the only thing that may be found later. */
  async check(storage: LogStorage): Promise<void> {
    for (const ledger of [this.#a, this.#b]) await ledger.settle(await storage.openGroup(ledger.group))
  }

  /** As {@link LogProgram.check}, then writes to both groups. */
  async goOn(storage: LogStorage): Promise<void> {
    for (const ledger of [this.#a, this.#b]) {
      const log = await storage.openGroup(ledger.group)
      await ledger.settle(log)
      await ledger.goOn(log)
    }
  }
}

/** Asserts that the program of a place that has crashed goes on: what is found may be found, and stays. */
export async function expectToGoOn(program: LogProgram, open: () => Promise<LogStorage>): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const storage = await open()
    await program.goOn(storage)
    await storage.stop()
  }
  const storage = await open()
  await program.check(storage)
  await storage.stop()
}

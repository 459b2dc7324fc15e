import { json, VirtualClock } from '@dsys/runtime'
import { crc32 } from '@dsys/runtime/bytes'
import type { LogEntry, SnapshotMeta } from '@dsys/storage'
import { Applier, COMMAND_HEADER_BYTES, COMMAND_KIND, OPEN_SESSION_KIND, writeCommand } from '../../../src/applier.ts'
import { simpleConfiguration } from '../../../src/core/configuration.ts'
import { encodePlaced } from '../../../src/core/configuration-codec.ts'
import type { Message } from '../../../src/core/messages.ts'
import { ContentWriter } from '../../../src/snapshot-content.ts'
import { TurnBudget, Turns } from '../../../src/turns.ts'
import { type Add, type CounterState, counter } from './machines.ts'

/** What the disk of the follower may hold: a snapshot, and entries behind it. */
export interface Place {
  readonly snapshot: SnapshotMeta | undefined
  readonly entries: readonly LogEntry[]
  /** The commands that the state of the snapshot has applied. */
  readonly applied: readonly string[]
}

const EMPTY: Place = { snapshot: undefined, entries: [], applied: [] }

/** Something that the leader brings about at its follower. */
export interface Step {
  readonly what: string
  /** In this term. */
  readonly term: number
  readonly messages: readonly Message[]
  /** The follower acknowledges it by saying that its log is that of the leader up to here. */
  readonly matchIndex: number
  /** What it then has on disk. */
  readonly after: Place
}

export const VOTERS: readonly string[] = ['n1', 'n2', 'n3']
const CHUNKS = 3
const configuration = simpleConfiguration([...VOTERS])
const context = encodePlaced({ index: 0, configuration })

/** The terms of a log, from index 1 on. */
export type Terms = readonly number[]

/** The entry at `index`, which names its place and term, so that no two are taken for each other. */
function entryAt(index: number, term: number): LogEntry {
  if (index === 1) return { index, term, kind: OPEN_SESSION_KIND, data: Uint8Array.of(7) }
  const command = json<Add>().encode({ id: commandAt(index, term), by: 1 })
  const data = new Uint8Array(COMMAND_HEADER_BYTES + command.length)
  writeCommand(data, 0, 1, index, index, command)
  return { index, term, kind: COMMAND_KIND, data }
}

const commandAt = (index: number, term: number): string => `${index} of term ${term}`

/** The commands of a log up to `index`, in order. */
const commandsOf = (terms: Terms, index: number): readonly string[] =>
  terms.slice(1, index).map((term, i) => commandAt(i + 2, term))

/** The state machine behind entry `index` of the log, as a snapshot. */
async function contentAt(terms: Terms, index: number): Promise<Buffer> {
  const applier = new Applier<CounterState, Add, number>(counter)
  for (const [i, term] of terms.slice(0, index).entries()) applier.apply(entryAt(i + 1, term))
  const pieces: Uint8Array[] = []
  for await (const piece of new ContentWriter(applier.freeze(), new Turns(new TurnBudget(new VirtualClock()))))
    pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What a leader does to one follower, step by step, and what the follower has on disk behind each. */
export class InstallProgram {
  readonly steps: Step[] = []

  /** The commands that the follower has applied in the end. */
  applied: readonly string[] = []

  get #place(): Place {
    return this.behind(this.steps.length)
  }

  /** What is on the disk behind so many steps. */
  behind(steps: number): Place {
    return this.steps[steps - 1]?.after ?? EMPTY
  }

  /** Entries behind those that the follower has, up to `through` of the leader's log. */
  append(leader: { readonly term: number; readonly terms: Terms }, through: number, commitIndex: number): void {
    const { entries, ...rest } = this.#place
    const { snapshot } = rest
    const prevIndex = entries.at(-1)?.index ?? snapshot?.index ?? 0
    const added = leader.terms.slice(prevIndex, through).map((term, i) => entryAt(prevIndex + 1 + i, term))
    const prevTerm = leader.terms[prevIndex - 1] ?? 0
    const { term } = leader
    this.applied = commandsOf(leader.terms, commitIndex)
    this.steps.push({
      what: `entries up to ${through}`,
      term,
      messages: [{ type: 'append-request', term, prevIndex, prevTerm, commitIndex, round: 1, entries: added }],
      matchIndex: through,
      after: { ...rest, entries: [...entries, ...added] },
    })
  }

  /** A snapshot of the leader's log at `index`, in chunks. Of its own entries the follower keeps those behind it, up to `keepsThrough`. */
  async install(
    { term, terms }: { readonly term: number; readonly terms: Terms },
    index: number,
    keepsThrough: number,
  ): Promise<void> {
    const content = await contentAt(terms, index)
    const snapshot = { index, term: terms[index - 1] as number, context }
    const place = { snapshotIndex: index, snapshotTerm: snapshot.term, context, totalBytes: content.length }
    // The last four bytes are the checksum of all before them.
    const whole = content.readUInt32BE(content.length - 4)
    const chunkBytes = Math.ceil(content.length / CHUNKS)
    const messages = Array.from({ length: CHUNKS }, (_, i): Message => {
      const data = content.subarray(i * chunkBytes, (i + 1) * chunkBytes)
      const checksums = { chunk: crc32(data), whole }
      return { type: 'snapshot-chunk', term, ...place, offset: i * chunkBytes, data, checksums }
    })
    const kept = this.#place.entries.filter((entry) => entry.index > index && entry.index <= keepsThrough)
    this.steps.push({
      what: `a snapshot at ${index}`,
      term,
      messages,
      matchIndex: index,
      after: { snapshot, entries: kept, applied: commandsOf(terms, index) },
    })
  }
}

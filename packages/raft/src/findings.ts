import type { Transport } from '@dsys/transport'
import type { CoreFacts } from './core-facts.ts'
import type { RaftStatus } from './status.ts'

/** What a finding is about. */
export type FindingSubject =
  /** Why there is no leader, or none that this node can reach. */
  | 'leader'
  /** Why entries are not committed, or not applied. */
  | 'commit'
  /** Which members the group does without, and for whom a change of them waits. */
  | 'members'
  /** Why a learner is no voter yet. */
  | 'learner'
  /** Why reads wait. */
  | 'reads'
  /** What is full, so that calls are refused. */
  | 'overload'

/** Every condition that {@link Explanation} tells of. */
export const FINDING_CODES = [
  'node-failed',
  'transport-down',
  'no-voters',
  'not-a-voter',
  'priority-zero',
  'installing-snapshot',
  'log-damaged',
  'promised-to-leader',
  'disk-slow',
  'process-paused',
  'voters-silent',
  'no-voter-to-spare',
  'vote-refused',
  'election-pending',
  'leader-elsewhere',
  'majority-missing',
  'own-disk-behind',
  'earlier-term',
  'commit-not-told',
  'apply-behind',
  'transferring',
  'member-disk-lost',
  'member-silent',
  'heir-missing',
  'snapshot-refused',
  'snapshot-unreadable',
  'change-not-committed',
  'learner-behind',
  'learner-silent',
  'learner-snapshot',
  'learner-waits',
  'learner-by-configuration',
  'reads-unconfirmed',
  'reads-early',
  'uncommitted-full',
  'proposals-full',
  'reads-full',
] as const

/** The name of a condition: stable, to branch on. The sentence may change. */
export type FindingCode = (typeof FINDING_CODES)[number]

/** A reason that something does not go on, with what it is known by. */
export interface Finding {
  readonly code: FindingCode
  readonly subject: FindingSubject
  /** A plain sentence. */
  readonly message: string
  /** The numbers and names in it, as data that survives JSON; durations in milliseconds, `…Ms`. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** What the reader can do about it. */
  readonly hint: string
}

/** What one node knows of why its group does not go on. */
export interface Explanation {
  readonly id: string
  readonly group: string
  /** The most telling first within each subject; none where nothing is amiss, as far as this node knows. */
  readonly findings: readonly Finding[]
  /** All of it to read: a line on the node, and one for each finding with its hint. */
  readonly text: string
}

/** What a node knows that may explain something. */
export interface NodeFacts {
  readonly status: RaftStatus
  readonly core: CoreFacts
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly priority: number
  readonly maxPending: number
  readonly maxPendingBytes: number
  readonly maxCommandBytes: number
  /** How long this node runs. */
  readonly runsForMs: number
  /** How long each node that was ever heard has been silent. */
  readonly silentMs: ReadonlyMap<string, number>
  /** What speaks against each follower of this leader, as far as they are judged. */
  readonly phi: ReadonlyMap<string, number>
  /** When this process stood still last, and for how long. */
  readonly paused: { readonly agoMs: number; readonly forMs: number } | undefined
  readonly connection: Transport['connection']
  readonly failure: Error | undefined
  /** Calls that wait at this node. */
  readonly proposals: number
  readonly proposalBytes: number
  readonly reads: number
  /** The members that answered this leader without the disk that the group knows them by, and by which numbers. */
  readonly strangers: ReadonlyMap<string, { readonly heard: number; readonly known: number; readonly agoMs: number }>
  /** The snapshots that this node is sending. */
  readonly transfers: ReadonlyMap<string, { readonly sentBytes: number; readonly totalBytes: number }>
  /** The followers that cannot read what this leader sends, how often in a row, and when it is sent again. */
  readonly refusals: ReadonlyMap<string, { readonly index: number; readonly times: number; readonly inMs: number }>
  /** The last snapshot that arrived here, where it could not be read. */
  readonly unreadable:
    | { readonly index: number; readonly from: string; readonly times: number; readonly error: unknown }
    | undefined
}

/** What a driver has seen of the world around its core. */
export type ObservedFacts = Pick<
  NodeFacts,
  'silentMs' | 'phi' | 'paused' | 'strangers' | 'transfers' | 'refusals' | 'unreadable'
>

export const ms = (duration: number): string => `${Math.round(duration)} ms`

/** `n1`, `n1 and n2`, `n1, n2 and n3`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** `one read`, `3 reads`. */
export const counted = (count: number, noun: string): string => (count === 1 ? `one ${noun}` : `${count} ${noun}s`)

/** `one entry`, `3 entries`. */
export const entries = (count: number): string => (count === 1 ? 'one entry' : `${count} entries`)

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** A majority that must agree: of the voters, and of those of the configuration that is being left. */
export interface Majority {
  readonly name: 'voters' | 'outgoing voters'
  readonly of: readonly string[]
  readonly needed: number
}

export function majoritiesOf({ core }: NodeFacts): Majority[] {
  const { voters, outgoing } = core.placed.configuration
  const all: Majority[] = [{ name: 'voters', of: voters, needed: Math.floor(voters.length / 2) + 1 }]
  if (outgoing.length > 0) {
    all.push({ name: 'outgoing voters', of: outgoing, needed: Math.floor(outgoing.length / 2) + 1 })
  }
  return all
}

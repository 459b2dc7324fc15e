import type { IdConflict, Member } from './events.ts'
import type { Evidence, ProbeEvidence } from './evidence.ts'
import type { MemberIncident } from './history.ts'
import type { LocalHealthStatus, MemberAlerts, ViewStatus } from './status.ts'

/** What a finding is about. */
export type MemberFindingSubject =
  /** Why the member is in the state that it is in. */
  | 'state'
  /** Why it was removed: declared dead, gone, or not remembered any more. */
  | 'removal'
  /** How it came and went before. */
  | 'stability'
  /** Which processes run with its id. */
  | 'identity'
  /** What there is to know of whoever judges: this node. */
  | 'observer'

/** Every condition that {@link MemberExplanation} tells of. */
export const MEMBER_FINDING_CODES = [
  'not-known',
  'forgotten',
  'suspected',
  'declared-dead',
  'left',
  'probes-unanswered',
  'alerted',
  'not-readmitted',
  'removed-before',
  'flapping',
  'id-conflict',
  'fallen-silent',
  'view-stale',
  'own-health',
] as const

/** The name of a condition: stable, to branch on. The sentence may change. */
export type MemberFindingCode = (typeof MEMBER_FINDING_CODES)[number]

/** A reason for how a member stands, with what it is known by. */
export interface MemberFinding {
  readonly code: MemberFindingCode
  readonly subject: MemberFindingSubject
  /** A plain sentence. */
  readonly message: string
  /** The numbers and names in it, as data that survives JSON; durations in milliseconds, `…Ms`. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** What the reader can do about it. */
  readonly hint: string
}

/** What this node knows of why a member stands as it does. */
export interface MemberExplanation {
  readonly id: string
  /** `undefined` when nothing is known of it, or it is not remembered any more. */
  readonly member: Member | undefined
  /** Its state first, then its removals with the last one first, then the rest; none where nothing is amiss, as far as this node knows. */
  readonly findings: readonly MemberFinding[]
  /** The last 16 things that happened to it, oldest first. */
  readonly incidents: readonly MemberIncident[]
  /** All of it to read: a line on the member, one for each finding with its hint, and one for each incident. */
  readonly text: string
}

/** What a node knows that may explain how another one stands. */
export interface MemberFacts {
  /** By what its state is known. */
  readonly evidence: Evidence
  /** Whose probes it did not answer, as far as that is known. */
  readonly accusers: readonly string[]
  /** The probes of this node since the last one that was answered. */
  readonly probes: ProbeEvidence
  /** How long a suspected member has to refute; infinite while nobody is judged, or where its observers decide; `undefined` when it is not suspected. */
  readonly refutesWithinMs: number | undefined
  /** With `removal: 'cut'`: what its observers say of it. */
  readonly alerts: MemberAlerts | undefined
  /** With `removal: 'cut'`: how much longer its observers must reach it until it is let in again. */
  readonly readmittedAfterMs: number | undefined
  /** When it will be forgotten; `undefined` while it is live. */
  readonly forgottenInMs: number | undefined
}

/** The same, with what the driver adds. */
export interface ExplainedFacts {
  readonly id: string
  readonly member: Member | undefined
  readonly facts: MemberFacts | undefined
  readonly incidents: readonly MemberIncident[]
  readonly conflict: IdConflict | undefined
  readonly view: ViewStatus
  readonly health: LocalHealthStatus
  /** Whether it is this node that is asked for. */
  readonly isSelf: boolean
  /** Why this node has fallen silent although nobody stopped it. */
  readonly silenced: string | undefined
  readonly nowMs: number
}

/** `3.2 s`, `250 ms`. */
export const duration = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`)

/** How the probes of a member went since the last one that was answered. */
export interface ProbeEvidence {
  /** How many probes in a row were not answered. */
  readonly failed: number
  /** Who was asked to reach it in the last of them. */
  readonly helpers: readonly HelperEvidence[]
  /** The transport said that nobody is there, in the last of them. */
  readonly absent: boolean
}

/** A member that was asked to reach another one, and did not. */
export interface HelperEvidence {
  readonly id: string
  /** It said that it did not reach it, or that it is too busy to try, or said nothing. */
  readonly answer: 'failed' | 'busy' | 'none'
}

/** What a node says of itself, part by part. */
export type DescribedPart = 'metadata' | 'roles' | 'capabilities' | 'tags'

/** What a change of a member is known by: to branch on by its `kind`. {@link describeEvidence} puts it in words. */
export type Evidence =
  /** This node itself began, restated itself over what was said of it, or took the place of a process with its id that is gone. */
  | { readonly kind: 'started' | 'restated' | 'took-over' }
  /** It was there when the stream of events began. */
  | { readonly kind: 'present' }
  /** It spoke for itself. */
  | { readonly kind: 'announced' }
  /** Somebody else knows it. */
  | { readonly kind: 'introduced'; readonly by: string }
  | { readonly kind: 'changed'; readonly parts: readonly DescribedPart[] }
  /** It said, above what was said of it, that it is alive. */
  | { readonly kind: 'refuted'; readonly what: 'suspicion' | 'death' }
  /** It answered neither this node nor its helpers. */
  | { readonly kind: 'unreachable'; readonly probes: ProbeEvidence }
  /**
   * `from` says that it is suspected, or holds it for dead, which counts as a suspicion. `accusers` are those whose own probes it did not answer, as
   * far as they are named.
   */
  | { readonly kind: 'accused'; readonly from: string; readonly accusers: readonly string[] }
  /**
   * The time to refute a suspicion is over. `probes` are those of this node, where they failed; `accusers` those besides it whose own probes failed, or
   * where none of this node did, all of them.
   */
  | {
      readonly kind: 'not-refuted'
      readonly suspectedForMs: number
      readonly probes: ProbeEvidence | undefined
      readonly accusers: readonly string[]
    }
  /** So many of its observers do not reach it that it is removed, with all who are out of touch together with it. */
  | { readonly kind: 'cut'; readonly observers: readonly string[]; readonly alerting: readonly string[] }
  /** It was removed, refuted that, and its observers have reached it again for long enough. */
  | { readonly kind: 'reached-again' }
  /** `from` says that it was declared dead. */
  | { readonly kind: 'declared-dead'; readonly from: string; readonly accusers: readonly string[] }
  /** It said that it leaves; this was heard from `from`. */
  | { readonly kind: 'farewell'; readonly from: string }
  /** A later life of it has begun. */
  | { readonly kind: 'later-life'; readonly generation: number }
  /** Another process runs as this life of it, and counts from now on. */
  | { readonly kind: 'other-process' }
  /** It had been dead or gone for so long, and is not kept any more: the time for that is over, or another one needed its room. */
  | {
      readonly kind: 'forgotten'
      readonly state: 'dead' | 'left'
      readonly forMs: number
      readonly because: 'time' | 'room'
    }
  /** Whether this node can tell who is there. */
  | ViewEvidence
  /** Two processes run with one id: how that was noticed. */
  | ConflictEvidence

/** By what a view became stale, or fresh again. */
export interface ViewEvidence {
  readonly kind: 'view'
  /**
   * Stale: the connection of this node is down, or nearly all whom it asks are silent. Fresh: somebody has answered, and it has caught up; or nobody did for
   * so long that it takes silence for death again.
   */
  readonly because: 'disconnected' | 'nobody-answers' | 'caught-up' | 'gave-up'
  /** In words. */
  readonly how: string
}

/** By what two processes with one id are noticed. */
export type ConflictEvidence =
  /** Frames with its id and generation come from two processes. */
  | { readonly kind: 'frames-of-two'; readonly from: string }
  /** `from` speaks of another process of that life than the one that is known here. */
  | { readonly kind: 'another-spoken-of'; readonly from: string }
  /** `from` knows of a statement of this node that it has not made. */
  | { readonly kind: 'statement-not-made'; readonly from: string; readonly incarnation: number }
  /** An earlier life answered a ping. */
  | {
      readonly kind: 'earlier-life-answered'
      readonly from: string
      readonly generation: number
      readonly laterGeneration: number
    }

/** One sentence, without its full stop, for people. It may change; the data does not. */
export function describeEvidence(evidence: Evidence): string {
  switch (evidence.kind) {
    case 'unreachable':
      return probesInWords(evidence.probes)
    case 'accused':
      return accusationInWords(evidence.accusers, evidence.from)
    case 'not-refuted':
      return notRefutedInWords(evidence)
    case 'declared-dead': {
      const { from, accusers } = evidence
      return `${from} says that it is dead${accusers.length === 0 ? '' : `, suspected by ${listed(accusers)}`}`
    }
    case 'cut':
      return `${evidence.alerting.length} of its ${evidence.observers.length} observers do not reach it: ${listed(evidence.alerting)}`
    case 'introduced':
      return `${evidence.by} knows it`
    case 'view':
      return evidence.how
    case 'changed':
      return `its ${listed(evidence.parts)} changed`
    case 'refuted':
      return evidence.what === 'death' ? 'it refuted that it was dead' : 'it refuted the suspicion'
    case 'later-life':
      return `generation ${evidence.generation} of it has begun`
    case 'forgotten': {
      const was = `it had been ${evidence.state === 'dead' ? 'dead' : 'gone'} for ${evidence.forMs} ms`
      return evidence.because === 'time' ? `${was}, which is long enough` : `${was}, and gave way to another one`
    }
    case 'frames-of-two':
    case 'another-spoken-of':
    case 'statement-not-made':
    case 'earlier-life-answered':
      return describeConflict(evidence)
    default:
      return WORDS[evidence.kind]
  }
}

const WORDS = Object.freeze({
  started: 'this node has started',
  restated: 'this node refuted what was said of it',
  'took-over': 'the other process that ran as this life is gone',
  present: 'it was a member when this stream began',
  announced: 'it announced itself',
  'reached-again': 'its observers have reached it again for long enough',
  farewell: 'it said that it leaves',
  'other-process': 'another process runs as this life of it',
})

/** How a conflict was noticed, as {@link describeEvidence} says it. */
export function describeConflict(evidence: ConflictEvidence): string {
  const { from } = evidence
  switch (evidence.kind) {
    case 'frames-of-two':
      return `frames from ${from} come from two processes`
    case 'another-spoken-of':
      return `${from} speaks of another process than is known here`
    case 'statement-not-made':
      return `${from} knows of incarnation ${evidence.incarnation}, which this process has not said`
    case 'earlier-life-answered': {
      const { generation, laterGeneration } = evidence
      return `generation ${generation} of it answered a ping after generation ${laterGeneration} had begun`
    }
  }
}

function probesInWords({ failed, helpers, absent }: ProbeEvidence): string {
  const probes = `no ack to ${failed} ${failed === 1 ? 'probe' : 'probes'}`
  const count = (which: HelperEvidence['answer']): number => helpers.filter(({ answer }) => answer === which).length
  const [silent, busy] = [count('none'), count('busy')]
  const reached = helpers.length === 0 ? 'no helper to ask' : `0 of ${helpers.length} helpers reached it`
  const notes = [
    ...(silent === 0 ? [] : [`${silent === helpers.length ? 'none' : helpers.length - silent} answered`]),
    ...(busy === 0 ? [] : [`${busy} too busy to try`]),
  ]
  const noted = notes.length === 0 ? '' : ` (${notes.join(', ')})`
  return [probes, `${reached}${noted}`, ...(absent ? ['the transport found nobody there'] : [])].join(', ')
}

function accusationInWords([first, ...others]: readonly string[], from: string): string {
  return `${first ?? from} suspects it${confirmation(others)}`
}

function notRefutedInWords({ probes, accusers, suspectedForMs }: Extract<Evidence, { kind: 'not-refuted' }>): string {
  const end = `suspected for ${suspectedForMs} ms without a refutation`
  if (probes !== undefined) return `${probesInWords(probes)}${confirmation(accusers)}, ${end}`
  const [first, ...others] = accusers
  const suspicion = first === undefined ? 'a suspicion was passed on' : `${first} suspects it`
  return `${suspicion}${confirmation(others)}, ${end}`
}

const confirmation = (others: readonly string[]): string =>
  others.length === 0 ? '' : `, ${listed(others)} ${others.length === 1 ? 'confirms' : 'confirm'}`

/** `n1`, `n1 and n2`, `n1, n2 and n3`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

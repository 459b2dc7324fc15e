import { IdentityLostError } from './errors.ts'
import { whyNoLeader } from './explain-leader.ts'
import { whoIsMissing, whoLostItsDisk, whyNotCommitted, whyNotPromoted, whyReadsWait } from './explain-leading.ts'
import { capital, counted, type Explanation, type Finding, ms, type NodeFacts } from './findings.ts'

/** Says, by what one node knows, why its group does not go on. */
export function explain(facts: NodeFacts): Explanation {
  const { id, group } = facts.status
  const findings = [...findingsOf(facts), ...whySnapshotsFail(facts), ...whyFull(facts)]
  return { id, group, findings, text: textOf(facts, findings) }
}

function findingsOf(facts: NodeFacts): Finding[] {
  const { failure, status, core } = facts
  if (failure !== undefined) return [failed(failure)]
  if (status.leader === undefined) return [...whyNoLeader(facts), ...whyNotApplied(facts)]
  const { leader } = core
  if (leader === undefined) return [...whyElsewhere(facts), ...whyNotApplied(facts)]
  return [
    ...whyNotCommitted(facts, leader),
    ...whyNotApplied(facts),
    ...whoLostItsDisk(facts),
    ...whoIsMissing(facts, leader),
    ...whyNotPromoted(facts, leader),
    ...whyReadsWait(facts, leader),
  ]
}

function failed(failure: Error): Finding {
  const reason = reasons(failure.cause ?? failure).join(': ')
  return {
    code: 'node-failed',
    subject: 'leader',
    message: `This node has stopped itself: ${reason}.`,
    evidence: { reason },
    hint: failure.cause instanceof IdentityLostError ? failure.cause.hint : 'Mend the cause and restart the node.',
  }
}

/** What an error says, and what was the cause of it, and of that. */
function reasons(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)]
  return error.cause === undefined ? [error.message] : [error.message, ...reasons(error.cause)]
}

/** Snapshots that are sent in vain: a follower knows why, and its leader that it is so. */
function whySnapshotsFail({ failure, refusals, unreadable }: NodeFacts): Finding[] {
  if (failure !== undefined) return []
  const found: Finding[] = [...refusals].map(([id, { index, times, inMs }]) => ({
    code: 'snapshot-refused',
    subject: 'members',
    message: `${id} could not read the snapshot at ${index} that it needs, for the ${ordinal(times)} time; one is sent again in ${ms(inMs)}.`,
    evidence: { id, index, times, inMs },
    hint: `explain() of ${id} says why. Each wait is twice as long as the one before, up to a bound.`,
  }))
  if (unreadable !== undefined) {
    const { index, from, times, error } = unreadable
    const reason = reasons(error).join(': ')
    found.push({
      code: 'snapshot-unreadable',
      subject: 'commit',
      message: `The snapshot at ${index} that ${from} has sent cannot be read here, for the ${ordinal(times)} time: ${reason}.`,
      evidence: { index, from, times, reason },
      hint: `Mostly the state machine here is older than that of ${from}, or its decoder is wrong: mend it and restart this node.`,
    })
  }
  return found
}

const ordinal = (times: number): string => ['first', 'second', 'third'][times - 1] ?? `${times}th`

/** A follower sees that something waits; why, its leader knows. */
function whyElsewhere({ status, core, proposals, reads, heartbeatIntervalMs }: NodeFacts): Finding[] {
  const { leader, lastIndex, commitIndex } = status
  const found: Finding[] = []
  if (lastIndex > commitIndex && core.commitStoodMs > heartbeatIntervalMs) {
    found.push({
      code: 'commit-not-told',
      subject: 'commit',
      message: `This node has entries up to ${lastIndex}, and knows from ${leader} that ${commitIndex} is committed.`,
      evidence: { lastIndex, commitIndex, leader, commitStoodMs: core.commitStoodMs },
      hint: `explain() of ${leader} says which members lack them.`,
    })
  }
  if (proposals + reads > 0) {
    found.push({
      code: 'leader-elsewhere',
      subject: 'leader',
      message: `${capital(counted(proposals, 'proposal'))} and ${counted(reads, 'read')} of this node wait for ${leader}, which leads.`,
      evidence: { leader, proposals, reads },
      hint: `explain() of ${leader} says what it waits for.`,
    })
  }
  return found
}

function whyNotApplied({ status: { commitIndex, lastApplied } }: NodeFacts): Finding[] {
  if (lastApplied >= commitIndex) return []
  return [
    {
      code: 'apply-behind',
      subject: 'commit',
      message: `Entries up to ${commitIndex} are committed, and the state machine of this node has applied those up to ${lastApplied}.`,
      evidence: { commitIndex, lastApplied },
      hint: 'It goes on by itself. If it falls behind for long, the state machine takes too long for its commands.',
    },
  ]
}

/** What is full, so that calls are refused. */
function whyFull(facts: NodeFacts): Finding[] {
  const { core, proposals, reads, maxPending, proposalBytes, maxPendingBytes, maxCommandBytes } = facts
  const found: Finding[] = []
  const full = (code: Finding['code'], what: string, evidence: Finding['evidence'], hint: string): void =>
    void found.push({
      code,
      subject: 'overload',
      message: `${what}, as much as it may: more is refused.`,
      evidence,
      hint,
    })
  const slower = 'Slow down and try again, see what keeps them waiting, or raise maxPending if the memory is there.'
  if (proposals >= maxPending) {
    full(
      'proposals-full',
      `${capital(counted(proposals, 'proposal'))} of this node wait`,
      { proposals, maxPending },
      slower,
    )
  }
  const roomBytes = maxPendingBytes - proposalBytes
  if (roomBytes < maxCommandBytes && proposals < maxPending) {
    found.push({
      code: 'proposals-full',
      subject: 'overload',
      message: `${capital(counted(proposals, 'proposal'))} of this node wait with ${proposalBytes} bytes of commands: more than ${roomBytes} bytes beside them are refused.`,
      evidence: { proposals, proposalBytes, maxPendingBytes },
      hint: 'Slow down and try again, see what keeps them waiting, or raise maxPendingBytes if the memory is there.',
    })
  }
  if (reads >= maxPending)
    full('reads-full', `${capital(counted(reads, 'read'))} of this node wait`, { reads, maxPending }, slower)
  const { uncommittedBytes = 0, maxUncommittedBytes = Number.POSITIVE_INFINITY } = core.leader ?? {}
  if (uncommittedBytes >= maxUncommittedBytes) {
    const hint = 'Slow down and try again; see what keeps entries from being committed.'
    const what = `This leader holds ${uncommittedBytes} bytes of entries that are not committed`
    full('uncommitted-full', what, { uncommittedBytes, maxUncommittedBytes }, hint)
  }
  return found
}

function textOf({ status, failure }: NodeFacts, findings: readonly Finding[]): string {
  const { id, group, role, term, leader, commitIndex } = status
  const known = leader === undefined ? 'no leader is known' : `the leader is ${leader}`
  const how =
    failure === undefined ? `${role} in term ${term}${role === 'leader' ? '' : `, ${known}`}` : 'it has failed'
  const head = `${id} of group "${group}": ${how}.`
  if (findings.length === 0) {
    return `${head}\nNothing is amiss: entries up to ${commitIndex} are committed and applied.`
  }
  return [head, ...findings.map(({ message, hint }) => `- ${message} ${hint}`)].join('\n')
}

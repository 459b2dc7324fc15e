import { describeEvidence, listed } from './evidence.ts'
import {
  duration,
  type ExplainedFacts,
  type MemberExplanation,
  type MemberFacts,
  type MemberFinding,
} from './findings.ts'
import type { MemberIncident } from './history.ts'
import type { StaleReason } from './status.ts'

/** So many suspicions and deaths of one life that it survived are no accident. */
const FLAPS = 3

/** Says, by what one node knows, why a member stands as it does, and why it was removed. */
export function explainMember(facts: ExplainedFacts): MemberExplanation {
  const { id, member, incidents } = facts
  const findings = [
    ...whyInState(facts),
    ...whatObserversSay(facts),
    ...removedBefore(facts),
    ...whyUnstable(facts),
    ...whoElseRuns(facts),
    ...whoJudges(facts),
  ]
  return Object.freeze({ id, member, findings, incidents, text: textOf(facts, findings) })
}

function whyInState(all: ExplainedFacts): MemberFinding[] {
  const { member, facts } = all
  if (member === undefined || facts === undefined) return [notKnown(all)]
  switch (member.state) {
    case 'suspect':
      return [suspected(all, facts)]
    case 'dead':
      return [declaredDead(all, facts)]
    case 'left':
      return [left(all, facts)]
    case 'alive':
      return facts.probes.failed === 0 ? [] : [unanswered(facts)]
  }
}

function notKnown({ id, incidents, nowMs }: ExplainedFacts): MemberFinding {
  const last = incidents.at(-1)
  if (last === undefined) {
    return {
      code: 'not-known',
      subject: 'state',
      message: `Nothing is known of ${id}.`,
      evidence: { id },
      hint: 'Nobody has told this node of it since it started, or it happened so long ago that many others came after it.',
    }
  }
  const agoMs = Math.round(nowMs - last.atMs)
  return {
    code: 'forgotten',
    subject: 'removal',
    message: `It was forgotten ${duration(agoMs)} ago: ${last.why}.`,
    evidence: { agoMs, generation: last.generation, ...last.evidence },
    hint: 'If it still runs, it comes back by itself; see rememberDeadMs and maxMembers for how long the dead are kept.',
  }
}

function suspected({ view }: ExplainedFacts, facts: MemberFacts): MemberFinding {
  const { evidence, accusers, probes, refutesWithinMs = 0 } = facts
  const judged = Number.isFinite(refutesWithinMs)
  const open = view.state === 'stale' ? 'nobody is judged now' : 'it is, until it refutes that or its observers decide'
  const time = judged ? `it has ${duration(refutesWithinMs)} to refute` : open
  const by = accusers.length === 0 ? '' : `, accused by ${listed(accusers)}`
  return {
    code: 'suspected',
    subject: 'state',
    message: `It is suspected (${describeEvidence(evidence)}); ${time}${by}.`,
    evidence: { ...evidence, accusers, probes, refutesWithinMs: judged ? Math.round(refutesWithinMs) : undefined },
    hint: 'It refutes by itself as soon as it hears of this. Look at its process, and at the network between it and its accusers.',
  }
}

function declaredDead({ member, nowMs }: ExplainedFacts, { evidence, forgottenInMs }: MemberFacts): MemberFinding {
  const agoMs = Math.round(nowMs - (member?.sinceMs ?? nowMs))
  return {
    code: 'declared-dead',
    subject: 'removal',
    message: `It was declared dead ${duration(agoMs)} ago: ${describeEvidence(evidence)}.`,
    evidence: { ...evidence, agoMs, forgottenInMs },
    hint: 'Start it again if it has ended. If it only was slow or cut off, it comes back by itself once it is reached.',
  }
}

function left({ member, nowMs }: ExplainedFacts, { evidence, forgottenInMs }: MemberFacts): MemberFinding {
  const agoMs = Math.round(nowMs - (member?.sinceMs ?? nowMs))
  return {
    code: 'left',
    subject: 'removal',
    message: `It left ${duration(agoMs)} ago: ${describeEvidence(evidence)}.`,
    evidence: { ...evidence, agoMs, forgottenInMs },
    hint: 'Nothing is wrong: somebody stopped it. A new start of it is a new life, and a member again.',
  }
}

function unanswered({ probes }: MemberFacts): MemberFinding {
  const { failed, helpers } = probes
  const silent = helpers.filter(({ answer }) => answer === 'none').map(({ id }) => id)
  const busy = helpers.filter(({ answer }) => answer === 'busy').map(({ id }) => id)
  const unheard = silent.length === 0 ? '' : `, and nothing was heard from ${listed(silent)} about it`
  const untried = busy.length === 0 ? '' : `, and ${listed(busy)} had no room to try for this node`
  return {
    code: 'probes-unanswered',
    subject: 'state',
    message: `It is not suspected, although it did not answer the last ${failed === 1 ? 'probe' : `${failed} probes`} of this node${unheard}${untried}.`,
    evidence: { probes },
    hint: 'Where helpers fall silent too, the fault may be on the side of this node. The next probes decide.',
  }
}

/** Where many observers decide on a removal. */
function whatObserversSay({ facts }: ExplainedFacts): MemberFinding[] {
  const found: MemberFinding[] = []
  const { alerts, readmittedAfterMs } = facts ?? {}
  if (alerts !== undefined) {
    const { observers, alerting } = alerts
    found.push({
      code: 'alerted',
      subject: 'state',
      message: `${alerting.length} of its ${observers.length} observers do not reach it: ${listed(alerting)}.`,
      evidence: { observers, alerting },
      hint: 'Look at its process, and at the network between it and these observers. It is removed when enough of them say so.',
    })
  }
  if (readmittedAfterMs !== undefined) {
    found.push({
      code: 'not-readmitted',
      subject: 'removal',
      message: `It says that it is alive, and is let in again when its observers have reached it for ${duration(readmittedAfterMs)} more.`,
      evidence: { readmittedAfterMs: Math.round(readmittedAfterMs) },
      hint: 'It comes back by itself. The time, readmitAfterMs, keeps a link that comes and goes from taking the view with it.',
    })
  }
  return found
}

const isRemoval = ({ type }: MemberIncident): boolean => type === 'MemberDown' || type === 'MemberLeft'

/** The removals before the one that its state tells of, the last one first. */
function removedBefore({ member, incidents, nowMs }: ExplainedFacts): MemberFinding[] {
  const isGone = member?.state === 'dead' || member?.state === 'left'
  const removals = incidents.filter(isRemoval).toReversed()
  return removals.slice(isGone ? 1 : 0).map((incident) => {
    const { type, generation, atMs, why, evidence } = incident
    const agoMs = Math.round(nowMs - atMs)
    return {
      code: 'removed-before',
      subject: 'removal',
      message: `Generation ${generation} of it ${type === 'MemberDown' ? 'went down' : 'left'} ${duration(agoMs)} ago: ${why}.`,
      evidence: { type, generation, agoMs, ...evidence },
      hint: 'It is kept for the record: what is above came after it.',
    }
  })
}

/** A member that is accused again and again, and refutes each time. */
function whyUnstable({ member, incidents, nowMs }: ExplainedFacts): MemberFinding[] {
  const ofLife = incidents.filter(({ generation }) => generation === member?.generation)
  const accused = ofLife.filter(({ type }) => type === 'MemberSuspected')
  const refuted = ofLife.filter(({ evidence }) => evidence.kind === 'refuted')
  const [first] = accused
  if (first === undefined || refuted.length < FLAPS) return []
  const sinceMs = Math.round(nowMs - first.atMs)
  return [
    {
      code: 'flapping',
      subject: 'stability',
      message: `It was suspected ${accused.length} times in the last ${duration(sinceMs)}, and refuted it ${refuted.length} times.`,
      evidence: { suspicions: accused.length, refutations: refuted.length, sinceMs },
      hint: 'Its process is blocked now and then (status().localHealth there says so), or a link to it loses frames.',
    },
  ]
}

function whoElseRuns({ conflict, isSelf, silenced, nowMs }: ExplainedFacts): MemberFinding[] {
  const found: MemberFinding[] = []
  if (conflict !== undefined) {
    const { kind, how, generation, otherGeneration, lastSeenMs } = conflict
    const agoMs = Math.round(nowMs - lastSeenMs)
    found.push({
      code: 'id-conflict',
      subject: 'identity',
      message: `Two processes ran with its id ${duration(agoMs)} ago: ${how}.`,
      evidence: { kind, generation, otherGeneration, agoMs },
      hint: 'Stop one of the processes, or give it an id of its own.',
    })
  }
  if (isSelf && silenced !== undefined) {
    found.push({
      code: 'fallen-silent',
      subject: 'identity',
      message: `This node has fallen silent: ${silenced}.`,
      evidence: { because: silenced },
      hint: 'Nobody hears it any more: stop this process.',
    })
  }
  return found
}

const STALE_HINTS: Readonly<Record<StaleReason, string>> = Object.freeze({
  disconnected: 'Look at the network of this node, and at the logs of its transport. Others know better.',
  'nobody-answers': 'Look at the network around this node. Others know better.',
  'catching-up': 'It passes by itself once others had time to be heard.',
  'not-running': 'Start the membership of this node, or ask another one.',
})

/** What must be known of this node to believe what it says of another one. */
function whoJudges({ view, health, isSelf, facts }: ExplainedFacts): MemberFinding[] {
  const found: MemberFinding[] = []
  if (view.state === 'stale') {
    const { because, why, forMs } = view
    found.push({
      code: 'view-stale',
      subject: 'observer',
      message: `What this node knows has been stale for ${duration(forMs)}, and it judges nobody: ${why}.`,
      evidence: { because, forMs: Math.round(forMs) },
      hint: STALE_HINTS[because],
    })
  }
  const { multiplier, maxMultiplier, because } = health
  if (multiplier > 1 && (isSelf || facts?.refutesWithinMs !== undefined)) {
    found.push({
      code: 'own-health',
      subject: 'observer',
      message: `The own health of this node is ${multiplier} of ${maxMultiplier}, where 1 is the best: ${because}. So it is slow to accuse.`,
      evidence: { multiplier, maxMultiplier, because },
      hint: 'Look for work that blocks the event loop of this node, for too little CPU, or for frames that are lost around it.',
    })
  }
  return found
}

function textOf({ id, member, incidents, nowMs }: ExplainedFacts, findings: readonly MemberFinding[]): string {
  const head =
    member === undefined
      ? `${id} is no member that is known here.`
      : `${id} (generation ${member.generation}) is ${member.state}, and has been for ${duration(nowMs - member.sinceMs)}.`
  const found = findings.map(({ message, hint }) => `- ${message} ${hint}`)
  const happened = incidents.map(({ type, generation, atMs, why }) => {
    return `${duration(nowMs - atMs)} ago ${type} (generation ${generation}): ${why}`
  })
  return [head, ...(found.length === 0 ? ['Nothing is amiss, as far as this node knows.'] : found), ...happened].join(
    '\n',
  )
}

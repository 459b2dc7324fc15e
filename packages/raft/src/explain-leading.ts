import type { Membership } from './core/configuration.ts'
import type { FollowerFacts, LeaderFacts } from './core-facts.ts'
import {
  capital,
  counted,
  entries,
  type Finding,
  listed,
  type Majority,
  majoritiesOf,
  ms,
  type NodeFacts,
} from './findings.ts'
import { UNREACHABLE_PHI } from './follower-health.ts'

/** A follower as a sentence has it. */
function described(facts: NodeFacts, { id, match, silentMs, heard, state }: FollowerFacts): string {
  const life = heard ? `was heard ${ms(silentMs)} ago` : `has not answered for ${ms(silentMs)}`
  return `${id} has all up to ${match}${state === 'snapshot' ? ', is being sent a snapshot' : ''} and ${life}${suspected(facts, id)}`
}

/** What speaks against a follower, where that is enough to tell. */
function suspected({ phi }: NodeFacts, id: string): string {
  const its = phi.get(id)
  return its === undefined || its < UNREACHABLE_PHI ? '' : ` (phi ${its.toFixed(1)})`
}

/** Why entries of this leader are not committed. */
export function whyNotCommitted(facts: NodeFacts, leader: LeaderFacts): Finding[] {
  const { status, core } = facts
  const { commitIndex, lastIndex } = status
  const found: Finding[] = []
  if (leader.transferTo !== undefined) {
    found.push({
      code: 'transferring',
      subject: 'commit',
      message: `Leadership is being handed to ${leader.transferTo}, so proposals wait.`,
      evidence: { to: leader.transferTo },
      hint: 'It ends by itself within an election timeout, one way or the other.',
    })
  }
  if (lastIndex === commitIndex) return found
  // Entries of earlier terms are committed with the first of this one (Raft §5.4.2).
  const wanted = Math.max(commitIndex + 1, leader.termStartIndex)
  for (const majority of majoritiesOf(facts)) found.push(...missing(facts, leader, majority, wanted))
  const counts = majoritiesOf(facts).some(({ of }) => of.includes(status.id))
  if (counts && core.durableIndex < wanted && core.writeForMs !== undefined) {
    const { durableIndex, writeForMs } = core
    found.push({
      code: 'own-disk-behind',
      subject: 'commit',
      message: `The disk of this node has entries up to ${durableIndex}, and its oldest write takes ${ms(writeForMs)} as yet.`,
      evidence: { durableIndex, writeForMs },
      hint: 'Look at the disk of this node. A leader whose write takes one and a half election timeouts gives up.',
    })
  }
  if (commitIndex + 1 < leader.termStartIndex) {
    const { firstUncommittedTerm } = core
    found.push({
      code: 'earlier-term',
      subject: 'commit',
      message: `Entry ${commitIndex + 1} is of term ${firstUncommittedTerm}: it is committed together with entry ${leader.termStartIndex}, the first of term ${status.term}.`,
      evidence: { index: commitIndex + 1, term: firstUncommittedTerm, termStartIndex: leader.termStartIndex },
      hint: 'A leader may count copies of entries of its own term alone; it goes on by itself.',
    })
  }
  return found
}

function missing(facts: NodeFacts, leader: LeaderFacts, { name, of, needed }: Majority, wanted: number): Finding[] {
  const { status, core } = facts
  const matchOf = (id: string): number =>
    id === status.id ? core.durableIndex : (leader.followers.find((each) => each.id === id)?.match ?? 0)
  const have = of.filter((id) => matchOf(id) >= wanted)
  if (have.length >= needed) return []
  const lacking = leader.followers.filter(({ id, match }) => of.includes(id) && match < wanted)
  const { commitIndex, lastIndex } = status
  const these =
    lastIndex === commitIndex + 1 ? `Entry ${lastIndex} is` : `Entries ${commitIndex + 1} to ${lastIndex} are`
  const haveIt = have.length === 0 ? 'nobody has it' : `${listed(have)} ${have.length === 1 ? 'has' : 'have'} it`
  return [
    {
      code: 'majority-missing',
      subject: 'commit',
      message: `${these} not committed: it takes ${needed} of the ${name} ${listed(of)} to have entry ${wanted} on disk, and ${haveIt}.${sentence(lacking.map((each) => described(facts, each)))}`,
      evidence: {
        majority: name,
        of,
        needed,
        index: wanted,
        have,
        lacking: lacking.map(({ id, match, silentMs, heard, state }) => ({
          id,
          matchIndex: match,
          silentMs,
          heard,
          state,
        })),
        commitStoodMs: core.commitStoodMs,
      },
      hint: 'Start the nodes that are silent, or mend the network to them; one that answers and lags has a slow disk or network.',
    },
  ]
}

/** As one more sentence, where there is something to say. */
const sentence = (parts: readonly string[]): string => {
  const text = parts.join('; ')
  return text === '' ? '' : ` ${text}.`
}

/** Members that came back without their disks: what they say counts for nothing, and they stop once they are told. */
export function whoLostItsDisk({ strangers }: NodeFacts): Finding[] {
  return [...strangers].map(([id, { heard, known, agoMs }]) => ({
    code: 'member-disk-lost',
    subject: 'members',
    message: `${id} answered ${ms(agoMs)} ago, but not with the disk that the group knows it by, so it counts for nothing.`,
    evidence: { id, heard, known, agoMs },
    hint: `Start it with its old disk. If that is lost: remove ${id} by reconfigure(), then add it again.`,
  }))
}

/** Members that do not answer, where the group goes on without them: it can spare fewer than it is thought to. */
export function whoIsMissing(facts: NodeFacts, leader: LeaderFacts): Finding[] {
  const { status, core, electionTimeoutMs } = facts
  const { voters, outgoing, learners, target } = core.placed.configuration
  const silent = leader.followers.filter(({ id, silentMs }) =>
    leader.asleep
      ? leader.absent.includes(id)
      : silentMs > electionTimeoutMs || (facts.phi.get(id) ?? 0) >= UNREACHABLE_PHI,
  )
  const spare = Math.min(
    ...majoritiesOf(facts).map(
      ({ of, needed }) => of.filter((id) => !silent.some((each) => each.id === id)).length - needed,
    ),
  )
  // Of those that are to become voters it is told why they are none yet.
  const members = [...voters, ...outgoing, ...learners.filter((id) => target?.voters.includes(id) !== true)]
  return silent
    .filter(({ id }) => members.includes(id))
    .map(({ id, match, silentMs, heard }) => {
      const isVoter = !learners.includes(id)
      const life = heard ? `has been silent for ${ms(silentMs)}` : `has not answered for ${ms(silentMs)}`
      const rest = isVoter ? `, and the group can spare ${spare > 0 ? spare : 'no'} more` : ''
      return {
        code: 'member-silent',
        subject: 'members',
        message: `${id}, a ${isVoter ? 'voter' : 'learner'}, ${life}${suspected(facts, id)}${rest}.`,
        evidence: {
          ...{ id, isVoter, silentMs, heard, matchIndex: match, lastIndex: status.lastIndex, spare },
          phi: facts.phi.get(id),
        },
        hint: 'Start it, or mend the network to it; if it is lost for ever, put another in its place by reconfigure().',
      }
    })
}

/** Why learners are no voters. */
export function whyNotPromoted(facts: NodeFacts, leader: LeaderFacts): Finding[] {
  const { status, core } = facts
  const { index, configuration } = core.placed
  const { target, voters, learners } = configuration
  const wanted = target?.voters.filter((id) => !voters.includes(id)) ?? []
  const found: Finding[] = []
  if (index > status.commitIndex) {
    found.push({
      code: 'change-not-committed',
      subject: 'learner',
      message: `The change of the members in entry ${index} is not committed yet, so the next step waits.`,
      evidence: { index, commitIndex: status.commitIndex },
      hint: 'See what keeps entries from being committed.',
    })
  }
  const late = leader.followers.filter(({ id, caughtUp }) => wanted.includes(id) && !caughtUp)
  for (const follower of late) found.push(whyLate(facts, follower))
  if (target !== undefined && late.length === 0 && !leader.hasHeir) found.push(heirMissing(target))
  const names = late.map(({ id }) => id)
  for (const id of wanted.filter((each) => !names.includes(each) && late.length > 0)) {
    found.push({
      code: 'learner-waits',
      subject: 'learner',
      message: `${id} has caught up, and waits for ${listed(names)}: all new voters are taken in together.`,
      evidence: { id, waitsFor: names },
      hint: `Without ${listed(names)} in the target, reconfigure() takes ${id} in at once.`,
    })
  }
  for (const id of learners.filter((each) => !wanted.includes(each) && target === undefined)) {
    found.push({
      code: 'learner-by-configuration',
      subject: 'learner',
      message: `${id} is a learner because the members were set so; no change on its way makes it a voter.`,
      evidence: { id, voters, learners },
      hint: `Call reconfigure() with ${id} among the voters.`,
    })
  }
  return found
}

/** The leader leaves with the change, and witnesses may be a majority of those who stay. */
function heirMissing({ voters, witnesses = [] }: Membership): Finding {
  const withData = voters.filter((id) => !witnesses.includes(id))
  return {
    code: 'heir-missing',
    subject: 'members',
    message: `The change to the voters ${listed(voters)} waits, since this node leaves with it: of those who stay and hold data, ${listed(withData)}, nobody answers and has caught up.`,
    evidence: { voters, withData },
    hint: 'Start one of them, or mend the network to it: a witness cannot lead. Or ask for members with this node among them.',
  }
}

function whyLate({ status, electionTimeoutMs, transfers }: NodeFacts, follower: FollowerFacts): Finding {
  const { id, match, silentMs, heard, state, roundMs, roundForMs } = follower
  const base = { id, matchIndex: match, lastIndex: status.lastIndex, silentMs, heard }
  if (!heard || silentMs > electionTimeoutMs) {
    const life = heard ? `has been silent for ${ms(silentMs)}` : `has not answered for ${ms(silentMs)}`
    return {
      code: 'learner-silent',
      subject: 'learner',
      message: `${id} is to become a voter, and ${life}.`,
      evidence: base,
      hint: 'Start the node, under that very id, or mend the network to it; or ask for other members.',
    }
  }
  if (state === 'snapshot') {
    const { sentBytes, totalBytes } = transfers.get(id) ?? {}
    const progress =
      totalBytes === undefined
        ? 'waits for the snapshot that it begins with'
        : `has ${sentBytes} of the ${totalBytes} bytes of the snapshot that it begins with`
    return {
      code: 'learner-snapshot',
      subject: 'learner',
      message: `${id} is to become a voter, and ${progress}.`,
      evidence: { ...base, sentBytes, totalBytes },
      hint: 'It goes on by itself; look whether the bytes grow.',
    }
  }
  const rounds = Number.isFinite(roundMs)
    ? `its last round took ${ms(roundMs)}, the present one takes ${ms(roundForMs)} as yet`
    : `its first round takes ${ms(roundForMs)} as yet`
  return {
    code: 'learner-behind',
    subject: 'learner',
    message: `${id} is to become a voter, and lacks ${entries(status.lastIndex - match)}: ${rounds}, and less than ${ms(electionTimeoutMs)} is wanted.`,
    evidence: {
      ...base,
      roundMs: Number.isFinite(roundMs) ? roundMs : undefined,
      roundForMs,
      wantedMs: electionTimeoutMs,
    },
    hint: 'It must take entries faster than the group makes them: look at its disk and network, or propose less meanwhile.',
  }
}

/** Why reads at this leader wait. */
export function whyReadsWait(facts: NodeFacts, leader: LeaderFacts): Finding[] {
  const { status } = facts
  const { readRounds, earlyReads, termStartIndex, followers } = leader
  const found: Finding[] = []
  if (earlyReads > 0) {
    found.push({
      code: 'reads-early',
      subject: 'reads',
      message: `${capital(counted(earlyReads, 'question'))} of readers wait${earlyReads === 1 ? 's' : ''} until entry ${termStartIndex}, the first of term ${status.term}, is committed.`,
      evidence: { count: earlyReads, termStartIndex, commitIndex: status.commitIndex },
      hint: 'See what keeps entries from being committed.',
    })
  }
  const [round] = readRounds
  if (round === undefined) return found
  for (const { name, of, needed } of majoritiesOf(facts)) {
    const confirmed = of.filter(
      (id) => id === status.id || (followers.find((each) => each.id === id)?.ackedRound ?? 0) >= round,
    )
    if (confirmed.length >= needed) continue
    const lacking = followers.filter(({ id }) => of.includes(id) && !confirmed.includes(id))
    const each = lacking.map(({ id, silentMs, heard }) =>
      heard ? `${id} was heard ${ms(silentMs)} ago` : `${id} has not answered for ${ms(silentMs)}`,
    )
    found.push({
      code: 'reads-unconfirmed',
      subject: 'reads',
      message: `${capital(counted(readRounds.length, 'question'))} of readers wait${readRounds.length === 1 ? 's' : ''} until ${needed} of the ${name} ${listed(of)} confirm that this node leads, and ${confirmed.length === 0 ? 'nobody' : listed(confirmed)} did.${sentence(each)}`,
      evidence: { count: readRounds.length, round, majority: name, of, needed, confirmed },
      hint: 'Start the nodes that are silent, or mend the network to them. Reads with consistency "stale" need nobody.',
    })
  }
  return found
}

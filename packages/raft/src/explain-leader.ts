import type { CoreFacts } from './core-facts.ts'
import { type Finding, listed, type Majority, majoritiesOf, ms, type NodeFacts } from './findings.ts'

type Refusal = CoreFacts['refusals'][number]

/** Why this node knows no leader. */
export function whyNoLeader(facts: NodeFacts): Finding[] {
  const { status, core } = facts
  if (core.placed.configuration.voters.length === 0) return [...environment(facts), noVoters()]
  if (!core.mayBeVoter) return [...environment(facts), notAVoter(facts)]
  return [
    ...environment(facts),
    ...majoritiesOf(facts).flatMap((majority) => silence(facts, majority)),
    ...core.refusals.map((refusal) => refused(facts, refusal)),
    ...restraints(facts),
    ...(status.role === 'follower' && facts.priority === 0 ? [] : [pending(facts)]),
  ]
}

/** What is wrong with the node rather than with the group. */
function environment({ connection, paused, electionTimeoutMs }: NodeFacts): Finding[] {
  const found: Finding[] = []
  if (connection !== 'connected') {
    found.push({
      code: 'transport-down',
      subject: 'leader',
      message: `The transport of this node is ${connection}, so it hears nobody.`,
      evidence: { connection },
      hint: 'Look at the network of this node, and at the logs of its transport.',
    })
  }
  if (paused !== undefined && paused.agoMs <= 2 * electionTimeoutMs) {
    found.push({
      code: 'process-paused',
      subject: 'leader',
      message: `The process of this node stood still for ${ms(paused.forMs)} until ${ms(paused.agoMs)} ago.`,
      evidence: { pausedForMs: paused.forMs, agoMs: paused.agoMs },
      hint: 'Look for work that blocks the event loop, for a machine that was suspended, or for too little CPU.',
    })
  }
  return found
}

const noVoters = (): Finding => ({
  code: 'no-voters',
  subject: 'leader',
  message: 'Neither the log nor the options of this node name voters: it waits to be added, or for bootstrap.',
  evidence: {},
  hint: 'Call bootstrap({ voters }) on one node of a new group, or reconfigure() on a group that has a leader.',
})

function notAVoter({ status, core }: NodeFacts): Finding {
  const { voters, learners } = core.placed.configuration
  const isLearner = learners.includes(status.id)
  return {
    code: 'not-a-voter',
    subject: 'leader',
    message: `This node is ${isLearner ? 'a learner' : 'no member of the group'}, and waits for a leader among ${listed(voters)}.`,
    evidence: { isLearner, voters },
    hint: 'Ask the voters: explain() of each says why none of them leads.',
  }
}

/**
 * The members of a majority that were not heard within an election timeout, where too few are left. Voters that have a leader do not speak to
 * each other, so this is known only once they had time to answer a node that asks for votes.
 */
function silence(facts: NodeFacts, majority: Majority): Finding[] {
  const { status, core, silentMs, runsForMs, electionTimeoutMs, heartbeatIntervalMs, priority } = facts
  if (priority === 0 || (core.leaderlessMs ?? 0) <= heartbeatIntervalMs) return []
  const others = majority.of.filter((id) => id !== status.id)
  const silent = others
    .map((id) => ({ id, silentMs: silentMs.get(id) ?? runsForMs, everHeard: silentMs.has(id) }))
    .filter((each) => !each.everHeard || each.silentMs > electionTimeoutMs)
  const heard = majority.of.length - silent.length
  if (heard >= majority.needed) return []
  const each = silent.map(({ id, silentMs: forMs, everHeard }) =>
    everHeard
      ? `${id} has been silent for ${ms(forMs)}`
      : `${id} was not heard in the ${ms(forMs)} that this node runs`,
  )
  const { needed, name } = majority
  const found: Finding[] = [
    {
      code: 'voters-silent',
      subject: 'leader',
      message: `Of the ${name} ${listed(majority.of)} it takes ${needed}, and ${heard} can take part: ${listed(each)}.`,
      evidence: { majority: name, of: majority.of, needed, heard, silent },
      hint: 'Start these nodes, or mend the network between them and this node. If a majority is lost for ever, see recover().',
    },
  ]
  if (majority.of.length === 2) {
    found.push({
      code: 'no-voter-to-spare',
      subject: 'leader',
      message: 'Two voters need both: the group stands still while one of them is away.',
      evidence: { majority: name, of: majority.of },
      hint: 'Give the group three voters, so that it goes on without one of them.',
    })
  }
  return found
}

const REFUSAL_HINTS = {
  'later-term': 'This node has taken over that term and asks anew by itself.',
  'hears-leader': 'That leader does not reach this node: mend the network between them.',
  'log-behind': 'Another voter must win; this node then gets what it lacks.',
  abstains:
    'It votes again when a leader has brought it what it lacks: start one more of the others. If a majority abstains, see recover().',
  voted: 'Votes were split. The next election begins at another time at each node.',
  unsaid: 'Upgrade that node: it then says why.',
} as const

function refused({ status, core }: NodeFacts, { from, agoMs, why }: Refusal): Finding {
  const said = (): string => {
    switch (why?.reason) {
      case 'later-term':
        return 'its term is later than the one that this node asked for'
      case 'hears-leader':
        return why.leader === undefined ? 'it has promised a leader to elect nobody yet' : `it hears ${why.leader} lead`
      case 'abstains':
        return 'damage took entries of its log, so it abstains'
      case 'log-behind':
        return `its log ends with entry ${why.lastIndex} of term ${why.lastTerm}, that of this node with entry ${status.lastIndex} of term ${core.lastTerm}`
      case 'voted':
        return `it has voted for ${why.votedFor}`
      default:
        return 'it did not say why'
    }
  }
  return {
    code: 'vote-refused',
    subject: 'leader',
    message: `${from} refused this node its vote ${ms(agoMs)} ago: ${said()}.`,
    evidence: {
      from,
      agoMs,
      ...(why ?? { reason: 'unsaid' }),
      ownLastIndex: status.lastIndex,
      ownLastTerm: core.lastTerm,
    },
    hint: REFUSAL_HINTS[why?.reason ?? 'unsaid'],
  }
}

/** What keeps this node itself from campaigning. */
function restraints({ core, status, priority, heartbeatIntervalMs }: NodeFacts): Finding[] {
  const found: Finding[] = []
  const add = (code: Finding['code'], message: string, evidence: Finding['evidence'], hint: string): void =>
    void found.push({ code, subject: 'leader', message, evidence, hint })
  if (priority === 0 && core.placed.configuration.voters.length > 1) {
    const hint = 'Give the node a priority above 0 if it shall lead when the others are away.'
    add(
      'priority-zero',
      'The priority of this node is 0, so it never begins an election by itself.',
      { priority },
      hint,
    )
  }
  if (core.installing) {
    const hint = 'It goes on by itself when the snapshot is stored.'
    add('installing-snapshot', 'This node stores a snapshot, and elects nobody but others meanwhile.', {}, hint)
  }
  const { repair, commitIndex } = status
  if (repair !== undefined) {
    const message =
      'Damage took entries of the log of this node, so it abstains from elections: ' +
      `it is committed up to ${commitIndex} of ${repair.throughIndex}.`
    const hint =
      'A leader of the others brings what is missing; where they need this node to elect one, start one more of them.'
    add('log-damaged', message, { ...repair, commitIndex }, hint)
  }
  if (core.promisedForMs > 0) {
    const { promisedForMs } = core
    const message = `This node has promised the leader that it heard last to elect nobody for another ${ms(promisedForMs)}.`
    add(
      'promised-to-leader',
      message,
      { promisedForMs },
      'That is the price of leases, see leaseClockDrift; it passes by itself.',
    )
  }
  const { writeForMs, ownVotePending } = core
  if (writeForMs !== undefined && writeForMs > heartbeatIntervalMs) {
    const vote = ownVotePending ? ', and its vote for itself counts only when it is durable' : ''
    const message = `The oldest write to the disk of this node takes ${ms(writeForMs)} as yet${vote}.`
    add('disk-slow', message, { writeForMs, ownVotePending }, 'Look at the disk of this node.')
  }
  return found
}

/** How the next, or present, election stands. */
function pending({ status, core }: NodeFacts): Finding {
  const { votesFrom, electionDueInMs, leaderlessMs = 0 } = core
  const { role } = status
  const asks =
    role === 'follower'
      ? `this node begins an election in ${ms(electionDueInMs)}`
      : `this node is a ${role} with the votes of ${votesFrom.length === 0 ? 'nobody' : listed(votesFrom)}, and asks again in ${ms(electionDueInMs)}`
  return {
    code: 'election-pending',
    subject: 'leader',
    message: `No leader has been known for ${ms(leaderlessMs)}; ${asks}.`,
    evidence: { role, leaderlessMs, electionDueInMs, votesFrom },
    hint: 'An election takes one to two election timeouts. Where it takes longer, the other findings say why.',
  }
}

/**
 * Bugs in the change of members, in leases and in priority.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const RAFT_MEMBERS_MUTANTS = [
  {
    name: 'answers of those who are not of the group are heard',
    source: 'P-10',
    file: 'packages/raft/src/core/raft-core.ts',
    from: `if (isAnswer(message) && !this.#isExpected(from)) return`,
    to: `if (isAnswer(message) && from === '') return`,
  },
  {
    name: 'the configuration that is being left does not count for commits',
    source: 'Raft §6; P-17',
    file: 'packages/raft/src/core/replication.ts',
    from: `const index = reachedByQuorum(state.configurations.current.configuration, (id) =>`,
    to: `const index = reachedByQuorum({ ...state.configurations.current.configuration, outgoing: [] }, (id) =>`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'the configuration that is being left does not count for votes',
    source: 'Raft §6; P-17',
    file: 'packages/raft/src/core/quorum.ts',
    from: `if (outgoing.length === 0 || result === 'lost') return result`,
    to: `if (outgoing.length < 1_000 || result === 'lost') return result`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'the joint configuration is left before it is committed',
    source: 'Raft §6; P-27',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `  if (index > state.commitIndex || state.commitIndex < leadership.termStartIndex) return`,
    to: `  if (index > state.commitIndex && !isJoint(configuration)) return
  if (state.commitIndex < leadership.termStartIndex) return`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'the voters change without a joint configuration',
    source: 'Raft §6',
    file: 'packages/raft/src/core/configuration.ts',
    from: `return { voters: target.voters, learners: target.learners, outgoing: voters, target: undefined }`,
    to: `return { voters: target.voters, learners: target.learners, outgoing: voters.slice(0, 0), target: undefined }`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'a change is begun before the first commit of the term',
    source: 'P-26',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `  if (state.commitIndex < leadership.termStartIndex) return 'not-ready'
`,
    to: '',
  },
  {
    name: 'a change that was found in the log is gone on with before the first commit of the term',
    source: 'P-26',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `  if (index > state.commitIndex || state.commitIndex < leadership.termStartIndex) return`,
    to: `  if (index > state.commitIndex) return`,
  },
  {
    name: 'a change is begun while another is on its way',
    source: 'P-27',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `  if (index > state.commitIndex || isJoint(configuration)) return 'in-progress'
`,
    to: '',
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'a new voter counts before it has the log',
    source: 'dissertation §4.2.1; P-31',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `else if (target?.voters.every((id) => isCaughtUp(state, leadership, id))) {`,
    to: `else if (target !== undefined) {`,
  },
  {
    name: 'a change begins from whatever the group is',
    source: 'P-31',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `  if (expected !== undefined && !sameMembership(configuration, expected)) return 'unexpected'
`,
    to: '',
  },
  {
    name: 'a configuration stays in force when its entry is cut',
    source: 'P-28',
    file: 'packages/raft/src/core/state.ts',
    from: `  if (state.configurations.truncated(index)) configurationChanged(state)
`,
    to: '',
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'the configuration of a snapshot is ignored where it is installed',
    source: 'P-28',
    file: 'packages/raft/src/core/snapshots.ts',
    from: `    configurations.reset(placed)
`,
    to: '',
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'the configuration of a snapshot is ignored at a restart',
    source: 'P-28',
    file: 'packages/raft/src/core/raft-core.ts',
    from: `new Configurations(restored.snapshot?.configuration ?? begun)`,
    to: `new Configurations(begun)`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'a snapshot holds the configuration that is on its way',
    source: 'P-28',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: `const context = encodePlaced(core.configurationAt(index))`,
    to: `const context = encodePlaced(core.configuration)`,
  },
  {
    name: 'what an earlier leader has begun says when a change is done',
    source: 'a bug that this package has had',
    file: 'packages/raft/src/reconfigurations.ts',
    from: `if (one !== undefined) one.acceptedIndex = index`,
    to: `if (one !== undefined) one.acceptedIndex = Math.max(one.acceptedIndex ?? 0, index)`,
  },
  {
    name: 'the configurations in the log are ignored at a restart',
    source: 'P-29',
    file: 'packages/raft/src/core/raft-core.ts',
    from: `    configurations.appended(restored.entries)
`,
    to: '',
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'a leader that is removed counts itself',
    source: 'dissertation §4.2.2; P-17',
    file: 'packages/raft/src/core/replication.ts',
    from: `  if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return`,
    to: `  const { voters } = state.configurations.current.configuration
  const own = state.outbox.durableIndex
  const others = voters.map((id) => leadership.progress.get(id)?.match ?? 0)
  const counted = [...others, own].sort((a, b) => b - a)[Math.floor((others.length + 1) / 2)] ?? 0
  if (!voters.includes(state.config.id) && counted > state.commitIndex && state.log.termAt(counted) === state.term)
    commitTo(state, counted)
  if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'a leader that is removed, or whose disk stalls, does not hand over',
    source: 'dissertation §4.2.2; P-10, P-44',
    file: 'packages/raft/src/core/transfer.ts',
    from: `  if (heir !== undefined) state.outbox.send(heir,`,
    to: `  if (heir === '') state.outbox.send(heir,`,
  },
  {
    name: 'a voter that is removed by an entry that is not committed does not campaign',
    source: 'dissertation §4.2.2',
    file: 'packages/raft/src/core/configurations.ts',
    from: `return this.#placed.slice(committed).some(({ configuration }) => countsAsVoter(configuration, id))`,
    to: `return committed >= 0 && countsAsVoter(this.current.configuration, id)`,
  },
  {
    name: 'a node that is removed goes on to campaign',
    source: 'P-10',
    file: 'packages/raft/src/core/configurations.ts',
    from: `return this.#placed.slice(committed).some(({ configuration }) => countsAsVoter(configuration, id))`,
    to: `return committed >= 0 && this.#placed.some(({ configuration }) => countsAsVoter(configuration, id))`,
  },
  {
    name: 'a node that is removed is not told',
    source: 'dissertation §4.2.3',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `if ((each.match >= index && each.sentCommit >= index) || state.nowMs >= each.leavesMs) progress.delete(id)`,
    to: `if (each.match >= 0 || index < 0) progress.delete(id)`,
  },
  {
    name: 'a lease has no end',
    source: 'dissertation §6.4.1; P-25',
    file: 'packages/raft/src/core/reads.ts',
    from: `return state.nowMs < sentMs + (electionTimeoutMs * (1 - leaseClockDrift)) / (1 + leaseClockDrift)`,
    to: `return state.nowMs < sentMs + 1_000 * electionTimeoutMs`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'a lease does not mind that clocks differ',
    source: 'dissertation §6.4.1; P-25',
    file: 'packages/raft/src/core/reads.ts',
    from: `return state.nowMs < sentMs + (electionTimeoutMs * (1 - leaseClockDrift)) / (1 + leaseClockDrift)`,
    to: `return state.nowMs < sentMs + electionTimeoutMs`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'a lease counts from the newest round, answered or not',
    source: 'dissertation §6.4.1; P-25',
    file: 'packages/raft/src/core/reads.ts',
    from: `const sentMs = leadership.roundsSent.findLast(({ round }) => round <= confirmed)?.sentMs`,
    to: `const sentMs = confirmed > 0 ? leadership.roundsSent.at(-1)?.sentMs : undefined`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'a lease counts from the answers to a round',
    source: 'dissertation §6.4.1; P-25',
    file: 'packages/raft/src/core/reads.ts',
    from: `  progress.heard(state.nowMs, response.round)
`,
    to: `  progress.heard(state.nowMs, response.round)
  leadership.roundsSent = leadership.roundsSent.map(({ round }) => ({ round, sentMs: state.nowMs }))
`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'a lease lasts although somebody was told to take over',
    source: 'dissertation §6.4.1; P-08, P-25',
    file: 'packages/raft/src/core/reads.ts',
    from: `if (leaseClockDrift === undefined || leadership.leaseGivenUp || leadership.transfer !== undefined) return false`,
    to: `if (leaseClockDrift === undefined) return false`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'a lease comes back when a transfer has not succeeded',
    source: 'P-08, P-25',
    file: 'packages/raft/src/core/transfer.ts',
    from: `  leadership.leaseGivenUp = true
`,
    to: '',
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'a new leader has a lease before it has committed',
    source: 'Raft §8; P-21, P-25',
    file: 'packages/raft/src/core/reads.ts',
    from: `  if (state.commitIndex < leadership.termStartIndex) return false
`,
    to: '',
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'the promise to a leader is forgotten with its term',
    source: 'P-25',
    file: 'packages/raft/src/core/roles.ts',
    from: `  state.leaderHeardMs = undefined
`,
    to: `  state.leaderHeardMs = undefined
  state.promisedMs = undefined
`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'the promise to a leader is forgotten at a restart',
    source: 'P-25',
    file: 'packages/raft/src/core/raft-core.ts',
    from: `promisedMs: restoredTerm.term === 0 ? undefined : nowMs,`,
    to: `promisedMs: undefined,`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'the own vote is given although it is promised',
    source: 'P-25',
    file: 'packages/raft/src/core/election.ts',
    from: `if (result === 'won' && state.role === 'pre-candidate' && ownVoteIsPromised(state)) {`,
    to: `if (result === 'won' && state.role === 'pre-candidate' && ownVoteIsPromised(state) && state.term < 0) {`,
    scenario: 'raft',
    fixed: { weather: 'leases' },
  },
  {
    name: 'a group is begun where one is already',
    source: '`bootstrap` refuses a log that is not empty',
    file: 'packages/raft/src/core/bootstrap.ts',
    from: `if (state.term > 0 || log.lastIndex > 0 || isOfGroup) return false`,
    to: `if (state.term > 0 && log.lastIndex === 0 && isOfGroup) return false`,
  },
  {
    name: 'a group that was begun is not on the disk yet',
    source: '`bootstrap` resolves when it is durable',
    file: 'packages/raft/src/bootstrap.ts',
    from: `else if (core.durableIndex >= 1 && !campaigns) {`,
    to: `else if (core.durableIndex >= 0 && !campaigns) {`,
  },
  {
    name: 'a group is recovered in the term that its log ends in',
    source: '`recover`; P-32',
    file: 'packages/raft/src/recover.ts',
    from: `const term = Math.max(last.term, log.recovered.hardState.term) + 1`,
    to: `const term = Math.max(last.term, log.recovered.hardState.term)`,
  },
  {
    name: 'a group is recovered by whoever only looks',
    source: '`recover` wants `acceptDataLoss: true`',
    file: 'packages/raft/src/recover.ts',
    from: `if (!acceptDataLoss) throw`,
    to: `if (members.length > 64) throw`,
  },
  {
    name: 'the first leader leaves the configuration to the options',
    source: 'Raft §6; two nodes with different options count different majorities',
    file: 'packages/raft/src/core/roles.ts',
    from: `  if (index > 0) return { kind: NO_OP_KIND`,
    to: `  if (index >= 0) return { kind: NO_OP_KIND`,
  },
  {
    name: 'a node without priority campaigns',
    source: 'the option `priority`; a bug that this core has had',
    file: 'packages/raft/src/core/tick.ts',
    from: `if (leadsUnasked(state)) campaign(`,
    to: `if (leadsUnasked(state) || state.term >= 0) campaign(`,
  },
  {
    name: 'a bounded read counts from the answer of the leader',
    source: 'the option `maxStalenessMs`',
    file: 'packages/raft/src/read-queue.ts',
    from: `this.#fresh = { index, askedMs: batch.askedMs }`,
    to: `this.#fresh = { index, askedMs: this.#clock.monotonicMs() }`,
  },
]

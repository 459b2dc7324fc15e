/**
 * One bug at least for each known pitfall that the other lists do not have.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const RAFT_PITFALL_MUTANTS = [
  {
    name: 'a vote goes only to those who are voters as far as this node knows',
    source: 'P-03',
    file: 'packages/raft/src/core/election.ts',
    from: `  if (isVoter(state, id) || lastTerm > log.lastTerm) return true`,
    to: `  if (config.witness !== true) return isVoter(state, id)
  if (isVoter(state, id) || lastTerm > log.lastTerm) return true`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'a granted pre-vote counts as news of its term',
    source: 'dissertation §9.6; P-05',
    file: 'packages/raft/src/core/step.ts',
    from: `const isGrantedPreVote = message.type === 'vote-response' && message.preVote && message.granted`,
    to: `const isGrantedPreVote = message.type === 'vote-response' && message.preVote && message.term < 0`,
    scenario: 'raft',
  },
  {
    name: 'whoever gives a pre-vote waits anew for a leader',
    source: 'dissertation §9.6; P-05',
    file: 'packages/raft/src/core/election.ts',
    from: `    outbox.send(from, { type: 'vote-response', term: request.term, preVote: true, granted: true }, 'hard-state')
`,
    to: `    resetElectionTimer(state)
    outbox.send(from, { type: 'vote-response', term: request.term, preVote: true, granted: true }, 'hard-state')
`,
  },
  {
    name: 'who asks for votes in vain keeps all others from their elections',
    source: 'Raft §5.2; P-07; a bug that this core has had',
    file: 'packages/raft/src/core/roles.ts',
    from: `  if (!waitsOn) resetElectionTimer(state)`,
    to: `  if (!waitsOn || term >= 0) resetElectionTimer(state)`,
  },
  {
    name: 'a node campaigns without asking first',
    source: 'dissertation §9.6; P-07',
    file: 'packages/raft/src/core/election.ts',
    from: `  if (isTransfer || !asks) becomeCandidate(`,
    to: `  if (isTransfer || !asks || preVote) becomeCandidate(`,
    scenario: 'raft',
  },
  {
    name: 'a leader that no majority answers goes on',
    source: 'dissertation §6.2; P-07',
    file: 'packages/raft/src/core/tick.ts',
    from: `  return state.nowMs - heardMs <= electionTimeoutMs
`,
    to: `  return heardMs + electionTimeoutMs >= 0
`,
    scenario: 'raft',
  },
  {
    name: 'votes are given beside a leader that is heard',
    source: 'dissertation §4.2.3; P-07',
    file: 'packages/raft/src/core/election.ts',
    from: `if (!request.transfer && leaderIsAlive(state)) {`,
    to: `if (!request.transfer && leaderIsAlive(state) && state.term < 0) {`,
    scenario: 'raft',
  },
  {
    name: 'a node that stores a snapshot campaigns',
    source: 'P-09',
    file: 'packages/raft/src/core/election.ts',
    from: `if (state.installing || abstains`,
    to: `if (abstains`,
  },
  {
    name: 'a leader that was removed leads on',
    source: 'dissertation §4.2.2; P-10',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `if (!answering && !countsAsVoter(configuration, state.config.id)) leaveLead(`,
    to: `if (!answering && index < 0) leaveLead(`,
    scenario: 'raft',
    fixed: { weather: 'voters-change' },
  },
  {
    name: 'an entry that differs from a committed one is passed over',
    source: 'P-15',
    file: 'packages/raft/src/core/follower.ts',
    from: `if (known !== undefined && known !== entry.term) conflictWithCommitted(state, entry.index)`,
    to: `if (known !== undefined && known < 0) conflictWithCommitted(state, entry.index)`,
  },
  {
    name: 'half of an even number of voters is a majority',
    source: 'Raft §5.3; P-18',
    file: 'packages/raft/src/core/quorum.ts',
    from: `export const majority = (voters: number): number => Math.floor(voters / 2) + 1`,
    to: `export const majority = (voters: number): number => Math.ceil(voters / 2)`,
    scenario: 'raft',
  },
  {
    name: 'an empty append behind a conflict is taken',
    source: 'Raft §5.3; P-19',
    file: 'packages/raft/src/core/follower.ts',
    from: 'log.termAt(request.prevIndex) !== request.prevTerm)',
    to: 'log.termAt(request.prevIndex) !== request.prevTerm && (request.entries.length > 0 || request.prevIndex > log.lastIndex))',
    scenario: 'raft',
  },
  {
    name: 'a late refusal takes the next entry to or below what matches',
    source: 'P-19',
    file: 'packages/raft/src/core/progress.ts',
    from: `      if (rejectedIndex <= this.match) return false
      this.becomeProbe()`,
    to: `      this.becomeProbe()
      this.next = Math.max(1, Math.min(rejectedIndex, hintIndex))
      this.match = this.next - 1`,
    scenario: 'raft',
  },
  {
    name: 'a leader steps back by an entry, not by a term',
    source: 'Raft §5.3; P-20',
    file: 'packages/raft/src/core/log.ts',
    from: `while (at > this.#baseIndex && (this.termAt(at) as number) > term) at--`,
    to: `if (at > this.#baseIndex && (this.termAt(at) as number) > term) at--`,
  },
  {
    name: 'reads that share a round share the index of the first',
    source: 'P-23',
    file: 'packages/raft/src/core/reads.ts',
    from: `leadership.reads.push({ ticket, index: state.commitIndex, round: leadership.round + 1 })`,
    to: `const { index = state.commitIndex } = leadership.reads.at(-1) ?? {}
  leadership.reads.push({ ticket, index, round: leadership.round + 1 })`,
    scenario: 'raft',
  },
  {
    name: 'a snapshot that is older than the commit is taken over',
    source: 'P-33',
    file: 'packages/raft/src/core/snapshots.ts',
    from: `  if (index <= state.commitIndex) return 'stale'
`,
    to: '',
    scenario: 'raft',
    fixed: { weather: 'snapshots' },
  },
  {
    name: 'a node that begins anew takes its log for committed',
    source: 'P-43',
    file: 'packages/raft/src/core/begin.ts',
    from: `    commitIndex: base.index,
`,
    to: `    commitIndex: log.lastIndex,
`,
    scenario: 'raft',
  },
  {
    name: 'a leader whose disk stalls leads on',
    source: 'P-44',
    file: 'packages/raft/src/core/tick.ts',
    from: `return oldestWriteMs !== undefined && nowMs - oldestWriteMs > STALLED_DISK_TIMEOUTS`,
    to: `return oldestWriteMs !== undefined && nowMs - oldestWriteMs > 1_000_000 * STALLED_DISK_TIMEOUTS`,
    scenario: 'raft',
  },
  {
    name: 'what is committed still counts as uncommitted',
    source: 'P-46',
    file: 'packages/raft/src/core/replication.ts',
    from: 'leadership.uncommittedBytes -= log.bytesBetween(state.commitIndex + 1, index)',
    to: 'leadership.uncommittedBytes -= 0',
    scenario: 'raft',
  },
  {
    name: 'what an older term has left uncommitted is counted no more',
    source: 'P-46',
    file: 'packages/raft/src/core/roles.ts',
    from: 'log.bytesBetween(state.commitIndex + 1, log.lastIndex)',
    to: 'log.bytesBetween(termStartIndex, log.lastIndex)',
  },
]

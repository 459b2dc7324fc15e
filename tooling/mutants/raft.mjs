/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const RAFT_MUTANTS = [
  {
    name: 'a vote is not written down',
    source: 'Raft §5.2; P-01',
    file: 'packages/raft/src/core/election.ts',
    from: `    state.votedFor = from
    outbox.hardStateChanged()`,
    to: `    state.votedFor = from`,
    scenario: 'raft',
  },
  {
    name: 'a vote leaves before it is durable',
    source: 'Raft §5.2; P-01',
    file: 'packages/raft/src/core/election.ts',
    from: `{ type: 'vote-response', term: state.term, preVote: false, granted: true }, 'hard-state')`,
    to: `{ type: 'vote-response', term: state.term, preVote: false, granted: true }, 'nothing')`,
    scenario: 'raft',
  },
  {
    name: 'the vote is free again after a step-down within the term',
    source: 'Raft §5.2; P-02',
    file: 'packages/raft/src/core/roles.ts',
    from: `  if (!wasFollower) setRole(state, 'follower', why)`,
    to: `  if (!wasFollower) state.votedFor = undefined
  if (!wasFollower) setRole(state, 'follower', why)`,
    scenario: 'raft',
  },
  {
    name: 'the own vote counts before it is durable',
    source: 'P-04',
    file: 'packages/raft/src/core/roles.ts',
    from: `  state.ownVoteWriteId = state.outbox.nextWriteId`,
    to: `  state.votes.set(state.config.id, true)`,
    scenario: 'raft',
  },
  {
    name: 'a vote is given without looking at the log',
    source: 'Raft §5.4.1; P-16',
    file: 'packages/raft/src/core/election.ts',
    from: `const upToDate = state.log.isUpToDate(request.lastTerm, request.lastIndex)`,
    to: `const upToDate = true`,
    scenario: 'raft',
  },
  {
    name: 'an append is acknowledged before it is durable',
    source: 'Raft §5.3; P-38',
    file: 'packages/raft/src/core/follower.ts',
    from: `      matchIndex: request.prevIndex + request.entries.length,
      round: request.round,
    },
    'log',`,
    to: `      matchIndex: request.prevIndex + request.entries.length,
      round: request.round,
    },
    'nothing',`,
    scenario: 'raft',
  },
  {
    name: 'an entry of an older term is committed by counting',
    source: 'Raft §5.4.2, figure 8; P-11',
    file: 'packages/raft/src/core/replication.ts',
    from: `if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return`,
    to: `if (index <= state.commitIndex) return`,
    scenario: 'raft',
  },
  {
    name: 'the leader counts its own entries before they are durable',
    source: 'Raft §5.3',
    file: 'packages/raft/src/core/replication.ts',
    from: `id === state.config.id ? state.outbox.durableIndex :`,
    to: `id === state.config.id ? state.log.lastIndex :`,
    scenario: 'raft',
  },
  {
    name: 'less than a majority commits',
    source: 'Raft §5.3; P-17',
    file: 'packages/raft/src/core/quorum.ts',
    from: `return descending[majority(descending.length) - 1] ?? 0`,
    to: `return descending[Math.max(0, majority(descending.length) - 2)] ?? 0`,
    scenario: 'raft',
  },
  {
    name: 'every append cuts the log behind it',
    source: 'Raft §5.3; P-12',
    file: 'packages/raft/src/core/follower.ts',
    from: `  storeEntries(state, request.entries)
  verifiedUpTo(state, request.prevIndex + request.entries.length, request.commitIndex)`,
    to: `  const lastSent = request.prevIndex + request.entries.length
  if (lastSent < log.lastIndex && lastSent >= state.commitIndex) {
    log.truncate(lastSent + 1)
    outbox.truncated(lastSent + 1)
  }
  storeEntries(state, request.entries)
  verifiedUpTo(state, request.prevIndex + request.entries.length, request.commitIndex)`,
    scenario: 'raft',
  },
  {
    name: 'the entry before an append is not compared',
    source: 'Raft §5.3',
    file: 'packages/raft/src/core/follower.ts',
    from: `if (log.termAt(request.prevIndex) !== request.prevTerm) {`,
    to: `if (log.termAt(request.prevIndex) === undefined) {`,
    scenario: 'raft',
  },
  {
    name: "a follower believes the leader's commit beyond what was compared",
    source: 'Raft §5.3; P-14',
    file: 'packages/raft/src/core/follower.ts',
    from: `const index = Math.min(state.leaderCommit, state.verifiedIndex)`,
    to: `const index = Math.min(state.leaderCommit, state.log.lastIndex)`,
    scenario: 'raft',
  },
  {
    name: 'what was compared in an older term still counts',
    source: 'Raft §5.3; P-14',
    file: 'packages/raft/src/core/roles.ts',
    from: `  state.verifiedIndex = state.commitIndex
  state.leaderHeardMs`,
    to: `  state.leaderHeardMs`,
    scenario: 'raft',
  },
  {
    name: 'a read is served without a round',
    source: 'dissertation §6.4; P-22',
    file: 'packages/raft/src/core/reads.ts',
    from: `  const confirmed = confirmedRound(state, leadership)
  const waiting = leadership.reads`,
    to: `  const confirmed = leadership.round
  const waiting = leadership.reads`,
    scenario: 'raft',
  },
  {
    name: 'a read rides on a round that was begun before it',
    source: 'dissertation §6.4; P-22',
    file: 'packages/raft/src/core/reads.ts',
    from: `round: leadership.round + 1 })
  leadership.roundWanted = true`,
    to: `round: leadership.round })
  leadership.roundWanted = true`,
    scenario: 'raft',
  },
  {
    name: 'a new leader answers reads before it has committed',
    source: 'Raft §8; P-21, P-24',
    file: 'packages/raft/src/core/reads.ts',
    from: `if (state.commitIndex < leadership.termStartIndex) leadership.earlyReads.push(ticket)`,
    to: `if (state.commitIndex < 0) leadership.earlyReads.push(ticket)`,
    scenario: 'raft',
  },
  {
    name: 'a refusal moves what is known to match',
    source: 'P-13',
    file: 'packages/raft/src/core/progress.ts',
    from: `this.next = Math.max(Math.min(rejectedIndex, hintIndex + 1), this.match + 1)`,
    to: `this.next = Math.max(Math.min(rejectedIndex, hintIndex + 1), this.match + 1)
    this.match = this.next - 1`,
    scenario: 'raft',
  },
  {
    name: 'a leader in a minority never steps down, and takes no other term',
    source: 'Raft §5.1',
    file: 'packages/raft/src/core/raft-core.ts',
    from: `if (!isGrantedPreVote) {`,
    to: `if (!isGrantedPreVote && state.role !== 'leader') {`,
    scenario: 'raft',
  },
  {
    name: 'a snapshot keeps entries that conflict with it',
    source: 'Raft §7; P-34',
    file: 'packages/raft/src/core/snapshots.ts',
    from: `const connected = log.termAt(index) === term`,
    to: `const connected = log.termAt(index) !== undefined`,
    scenario: 'raft',
  },
  {
    name: 'a follower is never freed from waiting for a snapshot',
    source: 'P-35',
    file: 'packages/raft/src/core/snapshots.ts',
    from: `if (progress?.state === 'snapshot') progress.becomeProbe()`,
    to: `if (progress?.state === 'snapshot' && progress.match < 0) progress.becomeProbe()`,
    scenario: 'raft',
  },
  {
    name: 'lost appends are not noticed while a follower answers heartbeats',
    source: 'P-45, P-48',
    file: 'packages/raft/src/core/tick.ts',
    from: `} else if (progress.state === 'replicate' && silent) {`,
    to: `} else if (progress.state === 'replicate' && silent && progress.match < 0) {`,
    scenario: 'raft',
  },
  {
    name: 'a probe that was lost is not sent again',
    source: 'P-45',
    file: 'packages/raft/src/core/tick.ts',
    from: `if (progress.state === 'probe') {`,
    to: `if (progress.state === 'probe' && !progress.probeSent) {`,
    scenario: 'raft',
  },
  {
    name: 'a transfer never ends',
    source: 'dissertation §3.10; P-08',
    file: 'packages/raft/src/core/tick.ts',
    from: `state.nowMs >= leadership.transfer.deadlineMs)`,
    to: `state.nowMs >= leadership.transfer.deadlineMs && leadership.round < 0)`,
    scenario: 'raft',
  },
  {
    name: 'a node that begins anew in an idle group never asks where it stands',
    source: 'a bug that this core has had; Raft §5.3, P-14',
    file: 'packages/raft/src/core/follower.ts',
    from: `  if (state.leaderCommit > state.verifiedIndex && state.verifiedIndex < state.log.lastIndex) askToVerify(state, from)
`,
    to: '',
    scenario: 'raft',
  },
  {
    name: 'a request of an old leader gets no answer',
    source: 'P-06',
    file: 'packages/raft/src/core/raft-core.ts',
    from: `      this.#state.outbox.send(from, { type: 'heartbeat-response', term: this.#state.term, round: 0 }, 'hard-state')`,
    to: ``,
    scenario: 'raft',
  },
  {
    name: 'an entry that was cut counts as durable when its write ends',
    source: 'P-39',
    file: 'packages/raft/src/core/outbox.ts',
    from: `    for (const write of this.#outstanding) write.lastIndex = Math.min(write.lastIndex, index - 1)
`,
    to: '',
    scenario: 'raft',
  },
]

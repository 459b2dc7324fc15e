/**
 * Bugs in groups that share a node, and sleep.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const RAFT_GROUPS_MUTANTS = [
  {
    name: 'a follower sleeps that lacks what is committed',
    source: 'own: who sleeps has everything',
    file: 'packages/raft/src/core/sleep.ts',
    from: 'const hasAll = commitIndex === request.commitIndex && commitIndex === log.lastIndex',
    to: 'const hasAll = log.lastIndex >= 0 || request.round < 0',
  },
  {
    name: 'a leader asks to sleep over a follower that lacks something',
    source: 'own: who sleeps has everything',
    file: 'packages/raft/src/core/sleep.ts',
    from: "if (sending !== 'replicate' || match !== lastIndex) return false",
    to: "if (sending !== 'replicate' || match > lastIndex) return false",
  },
  {
    name: 'a leader sleeps although a follower has not agreed',
    source: 'own: all members agree to sleep',
    file: 'packages/raft/src/core/sleep.ts',
    from: 'if (sleepsSinceRound === undefined || sleepsSinceRound < sleepFromRound) return',
    to: 'if (sleepsSinceRound === undefined || sleepsSinceRound < sleepFromRound) continue',
  },
  {
    name: 'an agreement to sleep counts that was given before something happened',
    source: 'own: all members agree to sleep',
    file: 'packages/raft/src/core/sleep.ts',
    from: 'if (sleepsSinceRound === undefined || sleepsSinceRound < sleepFromRound) return',
    to: 'if (sleepsSinceRound === undefined) return',
  },
  {
    name: 'a leader sleeps by an agreement that came after the followers were woken',
    source: 'own: all members agree to sleep',
    file: 'packages/raft/src/core/sleep.ts',
    from: 'if (quiet.index !== state.log.lastIndex || quiet.round !== round) return',
    to: 'if (quiet.index > state.log.lastIndex) return',
  },
  {
    name: 'what is done between two heartbeats keeps no group awake',
    source: 'own: sleep after quiet time',
    file: 'packages/raft/src/core/sleep.ts',
    from: 'const disturbed = quiet.index !== lastIndex || quiet.round !== round - 1',
    to: 'const disturbed = quiet.index > lastIndex',
  },
  {
    name: 'a leader sleeps while a transfer or a read is under way',
    source: 'own: nobody waits in a group that sleeps',
    file: 'packages/raft/src/core/sleep.ts',
    from: '  if (leadership.transfer !== undefined || leadership.roundWanted || leadership.reads.length > 0) return false\n',
    to: '',
  },
  {
    name: 'a leader that wakes is held to what it did not hear asleep',
    source: 'dissertation §6.2',
    file: 'packages/raft/src/core/sleep.ts',
    from: '    for (const [id, progress] of leadership.progress) progress.heardMs = Math.max(progress.heardMs ?? 0, heardMs(id))\n',
    to: '',
  },
  {
    name: 'a sleeping follower votes as if its leader were silent',
    source: 'dissertation §4.2.3',
    file: 'packages/raft/src/core/sleep.ts',
    from: '  state.leaderHeardMs = Math.max(state.leaderHeardMs ?? 0, leaderMs)\n',
    to: '',
  },
  {
    name: 'a question for votes wakes nobody',
    source: 'own: whoever is alone wakes its leader by asking',
    file: 'packages/raft/src/core/raft-core.ts',
    from: `      wake(state)
      handleVoteRequest`,
    to: '      handleVoteRequest',
  },
  {
    name: 'a follower that wakes waits for its leader anew',
    source: 'own: a failover takes no longer than that of an awake group',
    file: 'packages/raft/src/core/sleep.ts',
    from: '  state.electionDueMs -= state.nowMs - leaderMs\n',
    to: '',
  },
  {
    name: 'a follower that wakes promises more than its host has heard',
    source: 'dissertation §6.4.1; P-25',
    file: 'packages/raft/src/core/sleep.ts',
    from: 'state.promisedMs = Math.max(state.promisedMs ?? 0, leaderMs)',
    to: 'state.promisedMs = state.nowMs',
  },
  {
    name: 'a host that is silent wakes nobody',
    source: 'own: groups sleep only as long as the hosts of their peers are heard',
    file: 'packages/raft/src/groups/sleepers.ts',
    from: 'if (judges && nowMs - peer.heardMs > electionTimeoutMs) this.#wakeAll(peer)',
    to: 'if (judges && nowMs < peer.heardMs) this.#wakeAll(peer)',
  },
  {
    name: 'a host that was paused takes all others for silent',
    source: 'own: frames that have arrived speak before the clock judges',
    file: 'packages/raft/src/groups/sleepers.ts',
    from: 'const judges = nowMs - dueMs <= heartbeatIntervalMs || this.#graceGiven',
    to: 'const judges = nowMs >= dueMs || this.#graceGiven',
  },
  {
    name: 'a host that is always late never takes another for silent',
    source: 'own: groups sleep only as long as the hosts of their peers are heard',
    file: 'packages/raft/src/groups/sleepers.ts',
    from: 'const judges = nowMs - dueMs <= heartbeatIntervalMs || this.#graceGiven',
    to: 'const judges = nowMs - dueMs <= heartbeatIntervalMs && !this.#graceGiven',
  },
  {
    name: 'a host that has begun another life wakes nobody',
    source: 'own: a later life of a host leads nothing',
    file: 'packages/raft/src/groups/sleepers.ts',
    from: 'if (peer.generation !== undefined && from.generation > peer.generation) {',
    to: 'if (peer.generation !== undefined && from.generation < peer.generation) {',
  },
  {
    name: 'hosts that have different groups in mind do not notice',
    source: 'own: hosts compare what sleeps',
    file: 'packages/raft/src/groups/sleepers.ts',
    from: 'peer.differing = sameDigest(digest, peer.followed.digest) ? 0 : peer.differing + 1',
    to: 'peer.differing = sameDigest(digest, peer.followed.digest) ? 0 : 1',
  },
  {
    name: 'a host says that it leads what it does not',
    source: 'own: hosts compare what sleeps',
    file: 'packages/raft/src/groups/sleepers.ts',
    from: ': this.#groups.get(each.group)?.member?.leads(each.term) === true',
    to: ': this.#groups.get(each.group)?.member?.leads(each.term) !== false',
  },
  {
    name: 'a host goes on to count a group that has ended',
    source: 'own: hosts compare what sleeps',
    file: 'packages/raft/src/groups/sleepers.ts',
    from: `    this.sleeps(group, undefined)
    this.#groups.delete(group)`,
    to: '    this.#groups.delete(group)',
  },
  {
    name: 'a group is left asleep that has something to do',
    source: 'own: nobody waits in a group that sleeps',
    file: 'packages/raft/src/group-driver.ts',
    from: 'this.core.busy(this.#busy, nowMs)',
    to: 'this.core.busy(false, nowMs)',
  },
  {
    name: 'a proposal that is passed on does not wake the leader',
    source: 'own: nobody waits in a group that sleeps',
    file: 'packages/raft/src/group-driver.ts',
    from: `        this.core.wake(nowMs)
        this.#proposalDesk`,
    to: '        this.#proposalDesk',
  },
  {
    name: 'a leader that stops asleep hands over to nobody',
    source: 'dissertation §3.10',
    file: 'packages/raft/src/raft-node.ts',
    from: `        driver.core.wake(this.#ports.clock.monotonicMs())
        if`,
    to: '        if',
  },
  {
    name: 'a frame for an earlier life of a node is taken by a later one',
    source: 'P-22: what is named by a number means something else to the next life',
    file: 'packages/raft/src/groups/host-channel.ts',
    from: '(message.generation ?? transport.self.generation) === transport.self.generation',
    to: '(message.generation ?? transport.self.generation) > 0',
  },
  {
    name: 'more goes into a frame than the transport holds',
    source: 'Transport: maxFrameBytes',
    file: 'packages/raft/src/groups/host-channel.ts',
    from: 'if (i > from && (message === undefined || bytes + more > maxFrameBytes)) {',
    to: 'if (i > from && (message === undefined || bytes > maxFrameBytes)) {',
  },
]

const HEALTH = 'packages/raft/src/follower-health.ts'
const SUCCESSOR = 'packages/raft/src/successor.ts'
const LEADING = 'packages/raft/src/explain-leading.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const RAFT_HEALTH_MUTANTS = [
  {
    name: 'each answer counts as a heartbeat, however many come',
    source: 'raft: a steady pace',
    file: HEALTH,
    from: 'nowMs - known.countedMs >= this.#heartbeatIntervalMs / 2',
    to: 'nowMs - known.countedMs >= 0',
  },
  {
    name: 'a follower is missed for the time in which its leader stood still',
    source: 'raft: a leader that was blocked blames nobody',
    file: HEALTH,
    from: 'lostMs > 0 ? known.detector.excuse(nowMs, lostMs) : known.detector',
    to: 'lostMs < 0 ? known.detector.excuse(nowMs, 0) : known.detector',
  },
  {
    name: 'a leader does not tell its judgement for how long it stood still',
    source: 'raft: a leader that was blocked blames nobody',
    file: 'packages/raft/src/group-timer.ts',
    from: `late ? nowMs - dueMs : 0`,
    to: `late ? 0 : 0`,
  },
  {
    name: 'a follower is missed while its group sleeps',
    source: 'raft: in sleep silence means nothing',
    file: HEALTH,
    from: 'progress === undefined || sleep !== undefined || term !== this.#term) this',
    to: 'progress === undefined || term !== this.#term) this',
  },
  {
    name: 'what was known of followers in an earlier term counts in the next',
    source: 'raft: each term begins anew',
    file: HEALTH,
    from: 'sleep !== undefined || term !== this.#term) this',
    to: 'sleep !== undefined) this',
  },
  {
    name: 'followers that left are judged for ever',
    source: 'raft: bounded by the members',
    file: HEALTH,
    from: 'if (!progress.has(id)) this.#followers.delete(id)',
    to: 'if (progress.size === 0) this.#followers.delete(id)',
  },
  {
    name: 'a follower that never answers in a term is not missed',
    source: 'raft: watched from the beginning',
    file: HEALTH,
    from: '      watchedSinceMs,\n',
    to: '',
  },
  {
    name: 'leadership is handed to one that seems to be gone',
    source: 'raft: the last choice',
    file: SUCCESSOR,
    from: 'Number(b.reachable) - Number(a.reachable) || ',
    to: '',
  },
  {
    name: 'leadership is offered to one that has lost entries, and to nobody else when it is refused',
    source: 'P-40, P-08',
    file: SUCCESSOR,
    from: ' && core.progress?.get(id)?.mending === false',
    to: '',
  },
  {
    name: 'who is missing is told only after an election timeout',
    source: 'raft: explain by the pace of answers',
    file: LEADING,
    from: 'silentMs > electionTimeoutMs || (facts.phi.get(id) ?? 0) >= UNREACHABLE_PHI',
    to: 'silentMs > electionTimeoutMs',
  },
  {
    name: 'a member that was blocked campaigns before it has read what came meanwhile',
    source: 'raft: the clock judges after what has arrived',
    file: 'packages/raft/src/group-timer.ts',
    from: 'late && waitsWhenLate() && !this.#graceGiven',
    to: 'late && waitsWhenLate() && dueMs < 0',
  },
  {
    name: 'the clock judges before the frames that have arrived speak',
    source: 'raft: the clock judges after what has arrived',
    file: 'packages/raft/src/group-timer.ts',
    from: 'this.#timer = { dueMs, handle: clock.afterIo(() => this.#ring(dueMs)) }',
    to: 'this.#ring(dueMs)',
  },
  {
    name: 'a member that was blocked once has no time to read what came during the next block',
    source: 'raft: the clock judges after what has arrived',
    file: 'packages/raft/src/group-timer.ts',
    from: '    this.#graceGiven = false\n    this.#timer = undefined\n',
    to: '    this.#timer = undefined\n',
  },
]

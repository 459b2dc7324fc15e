/**
 * Bugs in what a user of a group meets: leaders with a bad disk, clients that try again, explanations.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const RAFT_CALLS_MUTANTS = [
  {
    name: 'a leader whose disk stalls goes on',
    source: 'P-44',
    file: 'packages/raft/src/core/tick.ts',
    from: `  if (diskStalls(state)) {`,
    to: `  if (diskStalls(state) && leadership.round < 0) {`,
  },
  {
    name: 'a leader gives up over a short stall of its disk',
    source: 'P-44',
    file: 'packages/raft/src/core/tick.ts',
    from: `const STALLED_DISK_TIMEOUTS = 1.5`,
    to: `const STALLED_DISK_TIMEOUTS = 0.5`,
  },
  {
    name: 'a command of a client that comes again is applied again',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/client-table.ts',
    from: `    results.set(sequence, result)
    let`,
    to: `    if (id === '') results.set(sequence, result)
    let`,
    scenario: 'kv',
  },
  {
    name: 'a command of a client is applied whose result was forgotten',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/client-table.ts',
    from: `      client.forgottenThrough = Math.max(client.forgottenThrough, lowest)
`,
    to: '',
  },
  {
    name: 'what a client has seen is applied when it comes late',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/client-table.ts',
    from: `    client.forgottenThrough = seenThrough
`,
    to: '',
  },
  {
    name: 'a command of a forgotten client is applied',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/client-table.ts',
    from: `if (client === undefined) return { type: 'client-forgotten' }`,
    to: `if (client === undefined) return { type: 'new' }`,
  },
  {
    name: 'a snapshot leaves out what clients have done',
    source: 'dissertation §6.3: sessions are part of the state',
    file: 'packages/raft/src/client-table.ts',
    from: `tableParts([...this.#clients], codec`,
    to: `tableParts([...this.#clients].map(([id, each]) => [id, { ...each, results: new Map() }] as const), codec`,
    scenario: 'kv',
  },
  {
    name: 'a client that waits is not told what a snapshot brings',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/proposals.ts',
    from: `    if (outcome.type === 'applied') this.#settleOwn(key, outcome)`,
    to: `    if (outcome.type === 'applied' && key === '') this.#settleOwn(key, outcome)`,
  },
  {
    name: 'a refusal is told of long after there was a leader again',
    source: 'explain()',
    file: 'packages/raft/src/core/roles.ts',
    from: `  if (leader !== undefined) state.refusals.clear()
`,
    to: '',
  },
  {
    name: 'a member that was taken back with a new disk is still explained as one that lost it',
    source: 'explain()',
    file: 'packages/raft/src/members-desk.ts',
    from: `(member.heardMs ?? Number.NEGATIVE_INFINITY) > atMs`,
    to: 'false',
  },
  {
    name: 'a leader explains what is in its memory as if it were on its disk',
    source: 'explain()',
    file: 'packages/raft/src/explain-leading.ts',
    from: `    id === status.id ? core.durableIndex : (`,
    to: `    id === status.id ? status.lastIndex : (`,
  },
  {
    name: 'a voter does not say that the log of a candidate is behind',
    source: 'explain()',
    file: 'packages/raft/src/core/election.ts',
    from: `  if (!upToDate) return { reason: 'log-behind', lastIndex: log.lastIndex, lastTerm: log.lastTerm }
`,
    to: `  if (!upToDate && log.lastIndex < 0) return { reason: 'log-behind', lastIndex: log.lastIndex, lastTerm: log.lastTerm }
`,
  },
  {
    name: 'a member that has left is told of for ever',
    source: 'metrics: every series ends',
    file: 'packages/raft/src/metrics.ts',
    from: `    if (this.#followers.size > progress.size) this.#forgetFollowers((id) => !progress.has(id))
`,
    to: '',
  },
  {
    name: 'what an earlier leader has appended is measured as if this one had',
    source: 'metrics: stages of proposals',
    file: 'packages/raft/src/stage-times.ts',
    from: `    this.#lastIndex = lastIndex
    this.#batches.length = 0`,
    to: `    this.#batches.length = 0`,
  },
  {
    name: 'a pause of the process is not noticed',
    source: 'explain()',
    file: 'packages/raft/src/group-timer.ts',
    from: `    if (late && !this.#graceGiven) this.#paused = {`,
    to: `    if (late && dueMs < 0) this.#paused = {`,
  },
  {
    name: 'a snapshot from before a client was opened tells that it is forgotten',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/proposals.ts',
    from: `    if (outcome.type === 'applied') this.#settleOwn(key, outcome)`,
    to: `    if (outcome.type !== 'new') this.#settleOwn(key, outcome)`,
  },
]

/**
 * Bugs in the limits of what a node holds.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const RAFT_LIMITS_MUTANTS = [
  {
    name: 'bytes of commands may wait without a limit',
    source: 'everything is bounded',
    file: 'packages/raft/src/proposals.ts',
    from: `return bytes > room ? `,
    to: `return bytes > room + 1e9 ? `,
  },
  {
    name: 'the bytes of a proposal that was answered stay counted',
    source: 'P-46, for callers',
    file: 'packages/raft/src/proposals.ts',
    from: `    if (proposal === undefined) return
    this.#leaves(proposal)`,
    to: `    if (proposal === undefined) return
    this.#waiting.delete(sequence)`,
  },
  {
    name: 'the bytes of a command of a client that was answered stay counted',
    source: 'P-46, for callers',
    file: 'packages/raft/src/proposals.ts',
    from: `      this.#leaves(proposal)
      this.#measure(sequence)`,
    to: `      this.#waiting.delete(sequence)
      this.#measure(sequence)`,
  },
  {
    name: 'the bytes of a proposal that was given up stay counted',
    source: 'P-46, for callers',
    file: 'packages/raft/src/proposals.ts',
    from: `    this.#leaves(proposal)
    if (proposal.own`,
    to: `    this.#waiting.delete(proposal.sequence)
    if (proposal.own`,
  },
  {
    name: 'the results of a node are kept without a limit',
    source: 'everything is bounded',
    file: 'packages/raft/src/sessions.ts',
    from: `      results.size > MAX_SESSION_RESULTS ||`,
    to: `      results.size > 1e9 * MAX_SESSION_RESULTS ||`,
  },
  {
    name: 'a batch counts as one result, whatever its commands gave',
    source: 'everything is bounded',
    file: 'packages/raft/src/recorded.ts',
    from: `? recorded.results.length : 1`,
    to: `? 1 : 1`,
  },
  {
    name: 'a command is applied of which the group has forgotten whether it was',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/sessions.ts',
    from: `      session.settledBelow = lowest + 1
`,
    to: '',
  },
  {
    name: 'a snapshot leaves out what batches of clients gave',
    source: 'dissertation §6.3: sessions are part of the state',
    file: 'packages/raft/src/snapshot-content.ts',
    from: `sessions.clients.addBatchPart(part, resultCodec)`,
    to: `part.at(0)`,
  },
  {
    name: 'the commands of a batch are told the same position',
    source: 'index and position are those of one command',
    file: 'packages/raft/src/applier.ts',
    from: `this.#run(command, entry, position)`,
    to: `this.#run(command, entry, 0 * position)`,
  },
  {
    name: 'a batch of a client that is cut is taken from a follower, and stops every node',
    source: 'what a node passes on is checked before it is an entry',
    file: 'packages/raft/src/applier.ts',
    from: `isClientCommand(data) && isBatchData(decodeClientCommand(data).command, 0)`,
    to: `isClientCommand(data) && isBatchData(data, data.length)`,
  },
  {
    name: 'a batch has the result of a single command of the same sequence',
    source: 'a sequence is of one command',
    file: 'packages/raft/src/proposals.ts',
    from: `else if (isBatch(proposal.command) === outcome.result instanceof BatchResults)`,
    to: `else if (outcome.type === 'applied')`,
  },
  {
    name: 'a snapshot that cannot be read is sent again at once',
    source: 'what has no success is tried again ever more rarely',
    file: 'packages/raft/src/snapshot-refusals.ts',
    from: `return nowMs < (`,
    to: `return nowMs < 0 * (`,
  },
  {
    name: 'the waits before a snapshot that cannot be read grow without a bound',
    source: 'what has no success is tried again ever more rarely, and for ever',
    file: 'packages/raft/src/snapshot-refusals.ts',
    from: `2 ** Math.min(times - 1, MAX_DOUBLINGS)`,
    to: `2 ** (times - 1)`,
  },
  {
    name: 'a leader is not told that its snapshot cannot be read',
    source: 'what has no success is tried again ever more rarely',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: `core.snapshotProgress(from, index, 0, undefined, { unreadable: true })`,
    to: `core.wake(0)`,
  },
  {
    name: 'a follower that has caught up is still said to refuse snapshots',
    source: 'explain() says what is so',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: `this.#refusals.forget((follower) => members?.get(follower)?.match)`,
    to: `this.#refusals.forget(() => 0)`,
  },
]

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
]

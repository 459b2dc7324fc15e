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
]

/**
 * Bugs in how a group knows a node that comes back with an empty disk.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const RAFT_INCARNATIONS_MUTANTS = [
  {
    name: 'a node is known by its id alone',
    source: 'P-30',
    file: 'packages/raft/src/core/incarnations.ts',
    from: `if (known !== undefined && known !== incarnation) {`,
    to: `if (known !== undefined && known < 0) {`,
    scenario: 'raft',
    fixed: { weather: 'lost-disks' },
  },
  {
    name: 'a learner is known by the disk that was heard first',
    source: 'P-30',
    file: 'packages/raft/src/core/incarnations.ts',
    from: `if (countsAsVoter(configuration, from)) state.strangers`,
    to: `if (from !== '') state.strangers`,
  },
  {
    name: 'a learner with another disk keeps what it has acknowledged',
    source: 'P-30',
    file: 'packages/raft/src/core/incarnations.ts',
    from: `  progress.incarnation = incarnation
  leadership?.progress.set(id, progress)`,
    to: `  before.incarnation = incarnation`,
  },
  {
    name: 'a witness with another disk is sent data',
    source: 'P-30; Pâris, Voting with Witnesses',
    file: 'packages/raft/src/core/incarnations.ts',
    from: `new Progress(log.lastIndex, nowMs, before.witness)`,
    to: `new Progress(log.lastIndex, nowMs)`,
  },
  {
    name: 'the configuration does not keep the incarnations',
    source: 'P-30',
    file: 'packages/raft/src/core/reconfiguration.ts',
    from: `encodeConfiguration(withPins(configuration, pinsOf(state, leadership)))`,
    to: `encodeConfiguration(withPins(configuration, []))`,
    scenario: 'raft',
    fixed: { weather: 'lost-disks' },
  },
  {
    name: 'a node that finds in its log that it is known by another disk votes',
    source: 'P-30',
    file: 'packages/raft/src/core/election.ts',
    from: `state.abstention !== undefined || isForgotten(state)`,
    to: `state.abstention !== undefined`,
  },
  {
    name: 'an incarnation is drawn anew with every start',
    source: 'P-30',
    file: 'packages/raft/src/identity.ts',
    from: `if (hardState.incarnation !== undefined) return`,
    to: `if (hardState.incarnation === 0) return`,
    scenario: 'kv',
  },
  {
    name: 'a vote takes the incarnation out of the log',
    source: 'P-30',
    file: 'packages/raft/src/core/abstention.ts',
    from: `...(incarnation === undefined ? {} : { incarnation }),`,
    to: `...(incarnation === undefined || term > 0 ? {} : { incarnation }),`,
    scenario: 'raft',
    fixed: { weather: 'lost-disks' },
  },
  {
    name: 'the new incarnation hides that the log has lost entries',
    source: 'P-40',
    file: 'packages/raft/src/identity.ts',
    from: `abstentionOf(hardState.abstention, lost)`,
    to: `abstentionOf(hardState.abstention, lost && undefined)`,
  },
  {
    name: 'votes count whatever disk they come from',
    source: 'P-30',
    file: 'packages/raft/src/core/step.ts',
    from: `isKnown(state, from, incarnation))) return`,
    to: `(message.type === 'vote-response' || isKnown(state, from, incarnation)))) return`,
    scenario: 'raft',
    fixed: { weather: 'lost-disks' },
  },
  {
    name: 'acknowledgements count whatever disk they come from',
    source: 'P-30',
    file: 'packages/raft/src/core/step.ts',
    from: `isKnown(state, from, incarnation))) return`,
    to: `(message.type.startsWith('append-') || isKnown(state, from, incarnation)))) return`,
    scenario: 'raft',
    fixed: { weather: 'lost-disks' },
  },
  {
    name: 'the incarnations of the configuration are not looked at',
    source: 'P-30',
    file: 'packages/raft/src/core/incarnations.ts',
    from: `  const known = pinOf(configuration, from) ?? progress?.incarnation
  if`,
    to: `  const known = progress?.incarnation
  if`,
    scenario: 'raft',
    fixed: { weather: 'lost-disks' },
  },
  {
    name: 'a voter that leaves and comes back is known by the disk that it had',
    source: 'P-30',
    file: 'packages/raft/src/core/configuration.ts',
    from: `pins.filter(([id]) => countsAsVoter(configuration, id))`,
    to: `pins.slice()`,
    scenario: 'raft',
    fixed: { weather: 'lost-disks' },
  },
  {
    name: 'nobody tells a node that its disk is not the one that the group knows',
    source: 'P-30',
    file: 'packages/raft/src/members-desk.ts',
    from: `      if (leads)
        for (`,
    to: `      if (leads && nowMs < 0)
        for (`,
    scenario: 'kv',
  },
]

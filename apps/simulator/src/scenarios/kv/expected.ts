import { FAULT_KINDS, MOMENTS } from './knobs.ts'
import { VERBS } from './operations.ts'

const named = (prefix: string, names: readonly string[]): string[] => names.map((name) => `${prefix}.${name}`)

/** What many runs together must have shown. */
export const EXPECTED: readonly string[] = [
  ...named('fault', FAULT_KINDS),
  ...named('aimed', MOMENTS),
  ...named('rest', ['crashed', 'isolated', 'deaf', 'mute', 'paused', 'flapping']),
  ...named('network', ['lost', 'duplicated', 'late', 'reordered', 'cut', 'held', 'burst', 'stale']),
  ...named('disk', ['write-torn', 'write-lost', 'write-kept', 'name-lost', 'name-kept', 'change-lost', 'change-kept']),
  ...named('disk', ['sync-failed', 'read-failed', 'full', 'stalled', 'slowed', 'hiccup']),
  ...named('raft', ['LeaderChanged', 'RoleChanged', 'SnapshotTaken', 'SnapshotInstalled', 'Failed']),
  ...named('verb', VERBS),
  ...named('acknowledged', ['put', 'create', 'update', 'delete']),
  ...named('client', ['ok', 'fail', 'unknown', 'abort', 'stale']),
  ...named('client', ['DSYS_RAFT_NO_LEADER', 'DSYS_RAFT_OUTCOME_UNKNOWN', 'DSYS_RAFT_OVERLOADED']),
  'client.DSYS_RAFT_READ_TIMEOUT',
  ...named('transfer', ['done', 'failed']),
  'impostor.refused',
  'history.linearizable',
]

/**
 * A run in whose chaos nobody gets a change through, or whose history is too tangled to be judged, has shown less than it seems to; see
 * `Scenario.limits`.
 */
export const LIMITS = { 'chaos.idle': 0.1, 'history.excused': 0.02 }

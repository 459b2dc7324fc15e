import { FAULT_KINDS, MOMENTS } from './knobs.ts'
import { VERBS } from './operations.ts'

const named = (prefix: string, names: readonly string[]): string[] => names.map((name) => `${prefix}.${name}`)

/** The points of `buggify` in the sources of the driver of Raft. */
const POINTS = [
  'early-snapshot',
  'late-turn',
  'refuse-forwarded',
  'refuse-read',
  'resend-chunk',
  'short-snapshot-turn',
  'small-apply-batch',
  'small-frames',
]

/** What many runs together must have shown. */
export const EXPECTED: readonly string[] = [
  ...named('fault', FAULT_KINDS),
  ...named('aimed', MOMENTS),
  ...named('rest', ['crashed', 'isolated', 'deaf', 'mute', 'paused', 'flapping']),
  ...named('network', ['lost', 'duplicated', 'late', 'reordered', 'cut', 'held', 'burst', 'stale']),
  ...named('disk', ['write-torn', 'write-lost', 'write-kept', 'name-lost', 'name-kept', 'change-lost', 'change-kept']),
  ...named('disk', [
    'file-reordered',
    'folder-lost',
    'in-flight-kept',
    'in-flight-lost',
    'evicted',
    'bit-flipped',
    'wiped',
  ]),
  ...named('disk', ['sync-failed', 'read-failed', 'full', 'stalled', 'slowed', 'hiccup']),
  'damage.DSYS_STORAGE_CORRUPT',
  'damage.salvaged',
  ...named('exit', ['DSYS_STORAGE_READ_FAILED', 'DSYS_STORAGE_FAILED', 'DSYS_RAFT_FAILED']),
  ...named('buggify.raft', POINTS),
  ...named('raft', ['LeaderChanged', 'RoleChanged', 'SnapshotTaken', 'SnapshotInstalled', 'Failed']),
  ...named('verb', VERBS),
  ...named('acknowledged', ['put', 'create', 'update', 'delete']),
  ...named('client', ['ok', 'fail', 'unknown', 'abort', 'stale']),
  ...named('client', ['DSYS_RAFT_NO_LEADER', 'DSYS_RAFT_OUTCOME_UNKNOWN', 'DSYS_RAFT_OVERLOADED']),
  'client.DSYS_RAFT_READ_TIMEOUT',
  ...named('transfer', ['done', 'failed']),
  'once.again',
  ...named('reconfigure', ['done', 'DSYS_RAFT_MEMBERSHIP_CONFLICT', 'DSYS_RAFT_RECONFIGURATION_PENDING']),
  ...named('reconfigure', ['DSYS_RAFT_NO_LEADER', 'aborted']),
  'impostor.refused',
  ...named('lost-disk', ['stopped', 'stopped-amid-faults', 'taken-back']),
  'history.linearizable',
]

/**
 * A run in whose chaos nobody gets a change through, or whose history is too tangled to be judged, has shown less than it seems to; see
 * `Scenario.limits`.
 */
export const LIMITS = { 'chaos.idle': 0.1, 'history.excused': 0.02 }

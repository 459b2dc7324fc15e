import { KINDS } from '@dsys/membership/wire'
import { FAULT_KINDS, MOMENT_RATES } from './knobs.ts'

const EVENTS = [
  'MemberUp',
  'MemberUpdated',
  'MemberSuspected',
  'MemberDown',
  'MemberLeft',
  'MemberConflict',
  'ViewStale',
  'ViewFresh',
  'Synced',
]

/** The points of `buggify` in the sources of membership. */
const POINTS = [
  'early-sync',
  'late-gossip',
  'late-help',
  'late-judgement',
  'lost-broadcast',
  'one-helper',
  'refused-frame',
  'relays-full',
  'skipped-probes',
  'small-gossip',
  'small-sync-parts',
  'unanswered-hello',
]

/** Branches that refuse something, or that are seldom taken; see instruments.ts. */
const BRANCHES = [
  'alone',
  'dropped_frames.cluster',
  'dropped_frames.malformed',
  'dropped_frames.version',
  'expired_frames',
  'failed_probes',
  'handler-failed',
  'id-conflict',
  'no-room',
  'other-version',
  'probes',
  'refutations',
  'stale_frames',
  'superseded',
  'unsent_frames',
]

const REFUSALS = ['MetadataTooLargeError', 'NotRunningError', 'join', 'leave']
const OPERATIONS_DONE = ['metadata', 'leave', 'join', 'watch', 'garbage', 'broadcast', 'query']
const FATES = ['lost', 'duplicated', 'late', 'reordered', 'cut', 'held', 'burst', 'stale']
const REST = ['crashed', 'isolated', 'deaf', 'mute', 'paused', 'flapping']

const named = (prefix: string, names: readonly string[]): string[] => names.map((name) => `${prefix}.${name}`)

/** What must occur in a short run over many seeds; see `Scenario.expected`. */
export const EXPECTED: readonly string[] = [
  ...named('message', KINDS),
  ...named('event', EVENTS),
  ...named('fault', FAULT_KINDS),
  ...named('aimed', Object.keys(MOMENT_RATES)),
  ...named('buggify.membership', POINTS),
  ...named('branch', BRANCHES),
  ...named('refused', REFUSALS),
  ...named('operation', OPERATIONS_DONE),
  ...named('network', FATES),
  ...named('rest', REST),
  ...named('impostor', ['later', 'twin']),
  ...named('lives', ['last-lost', 'all-lost']),
  ...named('talk', ['heard', 'answer', 'failure', 'given-up', 'complete', 'deadline']),
  ...named('resolver', ['keep-majority', 'static-quorum', 'lease', 'survive', 'down']),
  'calm',
  'peers.instead-of-seeds',
]

/**
 * A run with faults in which nobody is suspected or removed has shown little; see `Scenario.limits`. About one in seven is so: faults that are short, or
 * that leave a node without any answer, by which it accuses nobody.
 */
export const LIMITS = { 'chaos.idle': 0.2 }

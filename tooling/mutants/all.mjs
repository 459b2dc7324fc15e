import { FAILURE_DETECTOR_MUTANTS } from './failure-detector.mjs'
import { HASHRING_MUTANTS } from './hashring.mjs'
import { KV_MUTANTS } from './kv.mjs'
import { KV_EVENTUAL_MUTANTS } from './kv-eventual.mjs'
import { LOGICAL_CLOCK_MUTANTS } from './logical-clock.mjs'
import { MEMBERSHIP_MUTANTS } from './membership.mjs'
import { CUT_MUTANTS } from './membership-cut.mjs'
import { EVIDENCE_MUTANTS } from './membership-evidence.mjs'
import { ISOLATION_MUTANTS } from './membership-isolation.mjs'
import { LIFEGUARD_MUTANTS } from './membership-lifeguard.mjs'
import { MESSAGES_MUTANTS } from './membership-messages.mjs'
import { MEMBERSHIP_PITFALL_MUTANTS } from './membership-pitfalls.mjs'
import { RESOLVER_MUTANTS } from './membership-resolver.mjs'
import { RAFT_MUTANTS } from './raft.mjs'
import { RAFT_CALLS_MUTANTS } from './raft-calls.mjs'
import { RAFT_DRIVER_MUTANTS } from './raft-driver.mjs'
import { RAFT_GROUPS_MUTANTS } from './raft-groups.mjs'
import { RAFT_HEALTH_MUTANTS } from './raft-health.mjs'
import { RAFT_INCARNATIONS_MUTANTS } from './raft-incarnations.mjs'
import { RAFT_LIMITS_MUTANTS } from './raft-limits.mjs'
import { RAFT_MEMBERS_MUTANTS } from './raft-members.mjs'
import { RAFT_PITFALL_MUTANTS } from './raft-pitfalls.mjs'
import { RAFT_SNAPSHOTS_MUTANTS } from './raft-snapshots.mjs'
import { REFERENCE_NODE_MUTANTS } from './reference-node.mjs'
import { STATE_STORAGE_MUTANTS } from './state-storage.mjs'
import { STORAGE_MUTANTS } from './storage.mjs'
import { TRANSPORT_MUTANTS } from './transport.mjs'
import { TRANSPORT_NATS_MUTANTS } from './transport-nats.mjs'
import { TRANSPORT_TCP_MUTANTS } from './transport-tcp.mjs'

/**
 * Every planted bug. Each must be found by the tests of its package or by its simulation; each issue adds its own.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const MUTANTS = [
  ...RAFT_MUTANTS,
  ...RAFT_INCARNATIONS_MUTANTS,
  ...RAFT_MEMBERS_MUTANTS,
  ...RAFT_CALLS_MUTANTS,
  ...RAFT_GROUPS_MUTANTS,
  ...RAFT_PITFALL_MUTANTS,
  ...RAFT_DRIVER_MUTANTS,
  ...RAFT_SNAPSHOTS_MUTANTS,
  ...RAFT_LIMITS_MUTANTS,
  ...RAFT_HEALTH_MUTANTS,
  ...KV_MUTANTS,
  ...KV_EVENTUAL_MUTANTS,
  ...STORAGE_MUTANTS,
  ...STATE_STORAGE_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
  ...LIFEGUARD_MUTANTS,
  ...EVIDENCE_MUTANTS,
  ...CUT_MUTANTS,
  ...RESOLVER_MUTANTS,
  ...MEMBERSHIP_PITFALL_MUTANTS,
  ...MESSAGES_MUTANTS,
  ...ISOLATION_MUTANTS,
  ...FAILURE_DETECTOR_MUTANTS,
  ...LOGICAL_CLOCK_MUTANTS,
  ...HASHRING_MUTANTS,
  ...TRANSPORT_MUTANTS,
  ...TRANSPORT_NATS_MUTANTS,
  ...TRANSPORT_TCP_MUTANTS,
  ...REFERENCE_NODE_MUTANTS,
]

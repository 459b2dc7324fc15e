import { MEMBERSHIP_DEFAULTS } from '@dsys/membership'
import type { Random } from '@dsys/runtime'
import { pick } from '@dsys/simulation'
import { faultless, type Knobs } from './knobs.ts'

/** Whether a split-brain resolver watches each node at the end of the run, and by which strategy. */
export const RESOLVERS = ['off', 'keep-majority', 'static-quorum', 'lease'] as const
export type ResolverKind = (typeof RESOLVERS)[number]

/** In how many seeds the cluster is split at the end, for resolvers to decide. */
const RESOLVER_SHARE = 0.15

/** The strategy of a seed. */
export function drawResolver(random: Random): ResolverKind {
  return random.float() < RESOLVER_SHARE ? pick(random, ['keep-majority', 'static-quorum', 'lease']) : 'off'
}

/** With more nodes, or other times, views would take minutes to become stable. */
export const MAX_RESOLVER_NODES = 7

/** What makes views stable soon, where resolvers watch them. */
export function tamed(knobs: Knobs): Knobs {
  if (knobs.resolver === 'off') return knobs
  const { options, link } = knobs
  const quick = {
    maxHealthMultiplier: Math.min(options.maxHealthMultiplier, 2),
    probesPerInterval: Math.max(options.probesPerInterval, 2),
    suspicionMaxFactor: Math.min(options.suspicionMaxFactor, 3),
    suspicionTimeoutMs: Math.min(options.suspicionTimeoutMs, 1_000),
    isolationTimeoutMs: 5_000,
    removal: 'swim',
    maxMembers: MEMBERSHIP_DEFAULTS.maxMembers,
    rememberDeadMs: MEMBERSHIP_DEFAULTS.rememberDeadMs,
  } as const
  return { ...knobs, options: { ...options, ...quick }, link: faultless(link) }
}

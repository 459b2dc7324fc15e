import type { Description, Metadata } from '@dsys/membership'

/** All that a member says of itself, by its facts: so that roles and tags change with them, and can be judged by them. */
export function describedBy(facts: Metadata): Description {
  const version = facts['version'] ?? ''
  return { metadata: facts, roles: ['member', `v${version.length}`], capabilities: [], tags: { version } }
}

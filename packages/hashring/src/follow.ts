import { createRing } from './core/ring.ts'
import type { PlacementNodeOptions, RingOptions } from './options.ts'
import type { Placement, PlacementDiff } from './placement.ts'

/** A member as a follower sees it. A `Member` of `@dsys/membership` is one. */
export interface FollowedMember {
  readonly id: string
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

/** An event as a follower sees it; types that it does not know change nothing. */
export interface FollowedEvent {
  readonly type: string
  readonly member?: FollowedMember
}

/** Who tells of members: first the state, then `Synced`, then what changes. A `Membership` of `@dsys/membership` is one. */
export interface MemberSource {
  events(options: { readonly signal?: AbortSignal }): AsyncIterable<FollowedEvent>
}

/** How a placement follows members. */
export interface FollowOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal
  /**
   * What a member brings to the placement; `undefined` leaves it out. Default: weight and zone out of the tags `weight` and `zone`, else out of the
   * metadata of these names; a member whose weight is no number above 0 is left out.
   */
  readonly describe?: (member: FollowedMember) => PlacementNodeOptions | undefined
}

/** A placement that took the place of another one. */
export interface PlacementChanged<P extends Placement> {
  readonly placement: P
  readonly previous: P
  /** From `previous` to `placement`. */
  readonly diff: PlacementDiff
}

const WEIGHT = /^\d{1,9}(?:\.\d{1,9})?$/

/** What tags or metadata of a member say of its weight and zone. */
function describeMember({ tags, metadata }: FollowedMember): PlacementNodeOptions | undefined {
  const zone = tags['zone'] ?? metadata['zone']
  const text = tags['weight'] ?? metadata['weight'] ?? '1'
  const weight = WEIGHT.test(text) ? Number(text) : 0
  if (weight === 0) return undefined
  return zone === undefined || zone === '' ? { weight } : { weight, zone }
}

/**
 * Follows the members with a placement that has no history: gives one placement with all members once they are known, then one for each event that
 * changes it. A suspected member stays. The stream ends with that of the source, and throws what it throws, as EventsLaggedError (`DSYS_EVENTS_LAGGED`).
 *
 * @param start the placement with the nodes that are not members, mostly none.
 * @throws RangeError for a partition table: it has a history, which each node that follows the members would have another one of.
 */
export async function* followMembers<P extends Placement>(
  members: MemberSource,
  start: P,
  options: FollowOptions = {},
): AsyncGenerator<PlacementChanged<P>, void> {
  if (start.strategy === 'partition-table') {
    throw new RangeError('a partition table has a history: agree on one, and change it; do not follow members with it')
  }
  const { describe = describeMember, signal } = options
  let placement = start
  let previous = start
  let isSynced = false
  for await (const event of members.events(signal === undefined ? {} : { signal })) {
    if (event.type === 'Synced') isSynced = true
    else if (event.member !== undefined) placement = after(placement, event.type, event.member, describe) as P
    if (!isSynced || (placement === previous && event.type !== 'Synced')) continue
    yield { placement, previous, diff: previous.diff(placement) }
    previous = placement
  }
}

/** Follows the members with a consistent-hash ring. See {@link followMembers}. */
export function ringFrom(
  members: MemberSource,
  options: FollowOptions & Omit<RingOptions, 'nodes' | 'zones'> = {},
): AsyncGenerator<PlacementChanged<ReturnType<typeof createRing>>, void> {
  return followMembers(members, createRing({ ...options, nodes: {} }), options)
}

function after(
  placement: Placement,
  type: string,
  member: FollowedMember,
  describe: (member: FollowedMember) => PlacementNodeOptions | undefined,
): Placement {
  if (type === 'MemberDown' || type === 'MemberLeft') return placement.without(member.id)
  if (type !== 'MemberUp' && type !== 'MemberUpdated') return placement
  const node = describe(member)
  if (node === undefined) return placement.without(member.id)
  const known = placement.nodes.find((one) => one.id === member.id)
  // An update of something else, as a refuted suspicion, is no other placement.
  if (known !== undefined && known.weight === (node.weight ?? 1) && known.zone === node.zone) return placement
  return placement.with(member.id, node)
}

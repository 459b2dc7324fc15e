import { countsAsVoter, isMember, membersOf, type Pin, pinOf } from './configuration.ts'
import { Progress } from './progress.ts'
import type { CoreState, Leadership } from './state.ts'

/**
 * Whether an answer of `from` counts. One that comes from another incarnation than the one that the group knows, or that this leader has heard
 * before, is of a node that has lost its disk: it has forgotten its votes and what it has acknowledged (P-30). An older version says
 * nothing of incarnations.
 */
export function isKnown(state: CoreState, from: string, incarnation: number | undefined): boolean {
  if (incarnation === undefined) return true
  const { configuration } = state.configurations.current
  const progress = state.leadership?.progress.get(from)
  const known = pinOf(configuration, from) ?? progress?.incarnation
  if (known !== undefined && known !== incarnation) {
    if (progress === undefined || !isMember(configuration, from)) return false
    if (countsAsVoter(configuration, from)) state.strangers.set(from, { heard: incarnation, known })
    else beginAgain(state, progress, from, incarnation)
    return false
  }
  if (progress !== undefined) progress.incarnation = incarnation
  return true
}

/**
 * A learner has promised nothing that counts, so which disk it has is open until it becomes a voter: what was heard first may have been a late
 * answer of the disk that was replaced. Nothing is known of the other one.
 */
function beginAgain({ leadership, log, nowMs }: CoreState, before: Progress, id: string, incarnation: number): void {
  const progress = new Progress(log.lastIndex, nowMs, before.witness)
  progress.incarnation = incarnation
  leadership?.progress.set(id, progress)
}

/** A node, the incarnation in which it has answered, and the one that the group knows. */
export type Stranger = readonly [id: string, incarnations: { readonly heard: number; readonly known: number }]

export function takeStrangers({ strangers }: CoreState): Stranger[] {
  const taken = [...strangers]
  strangers.clear()
  return taken
}

/** Whether the group, as this node's own log tells, knows this node by another disk. */
export function isForgotten({ config: { id, incarnation }, configurations }: CoreState): boolean {
  const pinned = pinOf(configurations.current.configuration, id)
  return incarnation !== undefined && pinned !== undefined && pinned !== incarnation
}

/**
 * The incarnations of the members as this leader knows them. Nobody's, as long as one of them has not told its own: it may be of a version that
 * cannot read a configuration with them.
 */
export function pinsOf(state: CoreState, { progress }: Leadership): readonly Pin[] {
  const { id: own, incarnation } = state.config
  const { configuration } = state.configurations.current
  const known = (id: string): number | undefined =>
    pinOf(configuration, id) ?? (id === own ? incarnation : progress.get(id)?.incarnation)
  const members = membersOf(configuration).map((id) => [id, known(id)] as const)
  if (members.some(([, each]) => each === undefined)) return configuration.pins ?? []
  return members as Pin[]
}

/** Whether a voter is known by now that no entry tells of. */
export function hasNewPins(state: CoreState, leadership: Leadership): boolean {
  const { configuration } = state.configurations.current
  return (
    configuration.voters.some((id) => pinOf(configuration, id) === undefined) &&
    pinsOf(state, leadership).length > (configuration.pins?.length ?? 0)
  )
}

/** The kind of the entry that holds a {@link Configuration}. */
export const CONFIGURATION_KIND = 3

/** Whom a group shall consist of. No id is in both lists. */
export interface Membership {
  /** Who counts in elections and commits; one at least that is no witness. */
  readonly voters: readonly string[]
  /** They are sent the log, and count for nothing. */
  readonly learners: readonly string[]
  /** Those of the voters that hold no data: they vote, and store terms. Absent where there are none. */
  readonly witnesses?: readonly string[]
}

/**
 * Who is in a group, from one entry of the log on (Raft §6). It takes effect where it is appended, not where it is
 * committed (P-29), so every node decides by the newest one in its own log.
 */
export interface Configuration extends Membership {
  /**
   * The voters of the configuration that is being left, while two are in force: then elections and commits need a majority of
   * both. Empty otherwise.
   */
  readonly outgoing: readonly string[]
  /** What the leader goes on to as soon as all its voters have the log; part of the entry, so a new leader goes on too. */
  readonly target: Membership | undefined
  /** Those that hold no data, of everybody who is named here: voters of either configuration, and learners that become such voters. */
  readonly witnesses?: readonly string[]
  /** The incarnations by which the voters are known: who answers as one of them with another has lost its disk, and does not count (P-30). */
  readonly pins?: readonly Pin[]
}

/** A node, and the number that it drew when its log was empty. */
export type Pin = readonly [id: string, incarnation: number]

export const pinOf = ({ pins }: Configuration, id: string): number | undefined =>
  pins?.find(([pinned]) => pinned === id)?.[1]

/** The same with these incarnations, of those who count in it. */
export function withPins(configuration: Configuration, pins: readonly Pin[]): Configuration {
  const { pins: _, ...rest } = configuration
  const kept = pins.filter(([id]) => countsAsVoter(configuration, id))
  return kept.length === 0 ? rest : { ...rest, pins: kept }
}

/** A configuration that a group begins with, or that nobody is about to leave. */
export function simpleConfiguration(
  voters: readonly string[],
  learners: readonly string[] = [],
  witnesses: readonly string[] = [],
): Configuration {
  return { voters, learners, outgoing: [], target: undefined, ...marked(witnesses) }
}

/** The mark of these witnesses; none where there are none. */
export const marked = (witnesses: readonly string[]): Pick<Membership, 'witnesses'> =>
  witnesses.length === 0 ? {} : { witnesses }

export const isWitness = ({ witnesses }: Membership, id: string): boolean => witnesses?.includes(id) === true

export const isJoint = ({ outgoing }: Configuration): boolean => outgoing.length > 0

/** Whether nothing is on its way to another configuration. */
export const isSettled = ({ outgoing, target }: Configuration): boolean => outgoing.length === 0 && target === undefined

/** Whether `id` counts for a majority of one of the configurations in force. */
export const countsAsVoter = ({ voters, outgoing }: Configuration, id: string): boolean =>
  voters.includes(id) || outgoing.includes(id)

export const isMember = (configuration: Configuration, id: string): boolean =>
  countsAsVoter(configuration, id) || configuration.learners.includes(id)

/** Everybody who is sent the log, each once. */
export function membersOf({ voters, outgoing, learners }: Configuration): string[] {
  return [...new Set([...voters, ...outgoing, ...learners])]
}

/** Whether two lists hold the same ids, in whatever order. */
export function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id))
}

export const sameMembership = (a: Membership, b: Membership): boolean =>
  sameIds(a.voters, b.voters) && sameIds(a.learners, b.learners) && sameIds(a.witnesses ?? [], b.witnesses ?? [])

/** Where the group stands once nothing is on its way any more. */
export function destinationOf(configuration: Configuration): Membership {
  const { voters, learners, target } = configuration
  return target ?? { voters, learners, ...marked(voters.filter((id) => isWitness(configuration, id))) }
}

/** Whether somebody who is of the group would become a witness by `target`, or cease to be one: neither can be without a new disk. */
export function changesWitnesses(from: Configuration, target: Membership): boolean {
  const named = [...target.voters, ...target.learners]
  return named.some((id) => isMember(from, id) && isWitness(from, id) !== isWitness(target, id))
}

/**
 * The first of up to three steps from `from` to `target`: those who are new become learners, so that a majority never waits
 * for somebody who has nothing yet (dissertation §4.2.1; P-31).
 */
export function aimAt(from: Configuration, target: Membership): Configuration {
  if (sameIds(from.voters, target.voters)) return simpleConfiguration(target.voters, target.learners, target.witnesses)
  // Learners that are wanted no more go at once: they count for nothing.
  const wanted = [...target.voters, ...target.learners]
  const learners = [...new Set(wanted)].filter((id) => !from.voters.includes(id))
  const witnesses = new Set([...from.voters.filter((id) => isWitness(from, id)), ...(target.witnesses ?? [])])
  return { voters: from.voters, learners, outgoing: [], target, ...marked([...witnesses]) }
}

/** The second: both configurations are in force. */
export function enterJoint({ voters, witnesses = [] }: Configuration, target: Membership): Configuration {
  return { voters: target.voters, learners: target.learners, outgoing: voters, target: undefined, ...marked(witnesses) }
}

/** The third: the old one is left. */
export function leaveJoint(joint: Configuration): Configuration {
  const { voters, learners, witnesses } = destinationOf(joint)
  return simpleConfiguration(voters, learners, witnesses)
}

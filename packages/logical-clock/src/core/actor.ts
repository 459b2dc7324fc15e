import { utf8Length } from '@dsys/runtime/bytes'

/** The most bytes that the id of an actor may take in UTF-8. */
export const MAX_ACTOR_BYTES = 128

/** The largest counter of an actor: the largest whole number that JavaScript keeps exactly. */
export const MAX_COUNTER: number = Number.MAX_SAFE_INTEGER

const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Who gives dots: one replica in one life of its memory, never a client. A replica that has forgotten anything that it once gave
 * (its disk was lost, or restored from a backup, or it gave its data away) is another actor from then on: see {@link actorId}.
 */
export interface Actor {
  /** Unique for all time among those who write to a key; 1 to 128 bytes in UTF-8. */
  readonly id: string
  /**
   * New dots have counters above this: the largest counter of this actor in a clock that was deleted for good, when all replicas had
   * confirmed that nothing of it is left. 0 where nothing was. See {@link raiseFloor}.
   */
  readonly floor: number
}

/** One event of one actor. An actor counts its events for each key from 1, with gaps where its floor was raised. */
export interface Dot {
  readonly actor: string
  readonly counter: number
}

/**
 * The id of an actor: the node, and a number that no earlier life of its memory had, such as 48 random bits that are drawn when a disk is found
 * empty and kept on it. Not the generation that grows with each start: a start alone forgets nothing, and each actor makes clocks longer.
 *
 * @param incarnation whole, from 0 to 2^53 - 1.
 */
export function actorId(node: string, incarnation: number): string {
  if (!isCounter(incarnation)) throw new RangeError(`incarnation must be from 0 to 2^53 - 1, got ${incarnation}`)
  return checkActorId(`${node}#${incarnation.toString(36)}`)
}

/** The node of an id that {@link actorId} made; the id itself where it was made otherwise. */
export function nodeOfActor(id: string): string {
  const end = id.lastIndexOf('#')
  return end < 0 ? id : id.slice(0, end)
}

/**
 * The actor whose floor is at least `counter`. Call it with the counter of the actor in a clock that is to be deleted for good, and make the
 * actor durable with or before the deletion: else the next write to the key would give a dot that was given before, and whoever
 * still has the old context would discard it unseen.
 */
export function raiseFloor(actor: Actor, counter: number): Actor {
  if (!isCounter(counter)) throw new RangeError(`a floor must be from 0 to 2^53 - 1, got ${counter}`)
  return counter <= actor.floor ? actor : { ...actor, floor: counter }
}

/** Throws RangeError unless `id` can be the id of an actor. */
export function checkActorId(id: string): string {
  if (isActorId(id)) return id
  throw new RangeError(
    `an actor is named by 1 to ${MAX_ACTOR_BYTES} bytes of whole characters, got ${JSON.stringify(id)}`,
  )
}

export function isActorId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_ACTOR_BYTES && utf8Length(id) <= MAX_ACTOR_BYTES && !LONE_SURROGATE.test(id)
}

export function isCounter(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

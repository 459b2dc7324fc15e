import type { Random } from '@dsys/runtime'
import { type Actor, actorId, type Causality, DottedVersionSet, raiseFloor, VectorClock } from '../src/index.ts'

/**
 * What a replica has heard, by the definition and without any clock: events are bits. `seen` are the writes that it has heard, `over` those that
 * something it has heard had seen before. A write is a sibling when it was seen and nothing has seen it before.
 */
export interface History {
  readonly seen: bigint
  readonly over: bigint
}

export const NOTHING: History = { seen: 0n, over: 0n }

const known = ({ seen, over }: History): bigint => seen | over
const isSubset = (a: bigint, b: bigint): boolean => (a & ~b) === 0n
const isWithin = (a: History, b: History): boolean => isSubset(known(a), known(b)) && isSubset(a.over, b.over)

export function compareHistories(a: History, b: History): Causality {
  if (isWithin(a, b)) return isWithin(b, a) ? 'equal' : 'before'
  return isWithin(b, a) ? 'after' : 'concurrent'
}

/** The same of contexts, which say what is known and not what became of it. */
export function compareKnown(a: History, b: History): Causality {
  if (isSubset(known(a), known(b))) return isSubset(known(b), known(a)) ? 'equal' : 'before'
  return isSubset(known(b), known(a)) ? 'after' : 'concurrent'
}

function eventsOf(bits: bigint): number[] {
  const events: number[] = []
  const digits = bits.toString(2)
  for (let at = digits.length - 1; at >= 0; at--) if (digits[at] === '1') events.push(digits.length - 1 - at)
  return events
}

export const siblingsOf = (history: History): number[] => eventsOf(history.seen & ~history.over)

interface Replica {
  actor: Actor
  set: DottedVersionSet<number>
  history: History
}

/** A client with what it has read, which may be old. */
interface Client {
  context: VectorClock
  seen: bigint
}

export interface WorldOptions {
  readonly replicas: number
  readonly clients: number
  /** Which operations there are; the default has all but those in which replicas forget. */
  readonly withForgetting: boolean
}

type Step = (world: World) => void

/** Replicas and clients of one key, each with its clock and, by the side of it, with its causal history. */
export class World {
  readonly random: Random
  readonly replicas: Replica[]
  readonly clients: Client[]
  /** The dots that were given, to see that none is given twice. */
  readonly dots: Set<string> = new Set()
  readonly #steps: readonly Step[]
  readonly #ofActor = new Map<string, bigint>()
  #events = 0
  #incarnations = 0

  constructor(random: Random, { replicas, clients, withForgetting }: WorldOptions) {
    this.random = random
    this.replicas = Array.from({ length: replicas }, (_each, i) => ({
      actor: this.#newActor(i),
      set: DottedVersionSet.empty<number>(),
      history: NOTHING,
    }))
    this.clients = Array.from({ length: clients }, () => ({ context: VectorClock.empty, seen: 0n }))
    const always: Step[] = [read, read, put, put, put, syncTwo, syncTwo, syncTwo, remove, putUnread]
    this.#steps = withForgetting ? [...always, ...always, ...always, ...always, loseDisk, settle, prune] : always
  }

  /** One operation, drawn at random. */
  step(): void {
    this.pick(this.#steps)(this)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.integer(0, list.length)] as T
  }

  update(replica: Replica, client: { readonly context: VectorClock; readonly seen: bigint }): void {
    const { id, floor } = replica.actor
    const event = this.#events++
    const own = this.#ofActor.get(id) ?? 0n
    // A floor says that all earlier events of the actor are over, whatever is left of them here.
    const floored = floor > replica.set.context.get(id) ? own : 0n
    replica.set = replica.set.update(replica.actor, client.context, event)
    replica.history = {
      seen: replica.history.seen | (1n << BigInt(event)),
      over: replica.history.over | client.seen | floored,
    }
    this.#ofActor.set(id, own | (1n << BigInt(event)))
    const dot = `${id} ${replica.set.context.get(id)}`
    if (this.dots.has(dot)) throw new Error(`the dot ${dot} was given twice`)
    this.dots.add(dot)
  }

  loseDisk(replica: Replica): void {
    replica.actor = this.#newActor(this.replicas.indexOf(replica))
    replica.set = DottedVersionSet.empty()
    replica.history = NOTHING
  }

  /** All hear all that the others have heard. */
  settle(): void {
    const set = this.replicas.reduce((sum, each) => sum.sync(each.set), DottedVersionSet.empty<number>())
    const history = this.replicas.reduce((sum, each) => merged(sum, each.history), NOTHING)
    for (const replica of this.replicas) Object.assign(replica, { set, history })
  }

  /** After all have confirmed that nothing is left of a key, its clock goes, and each replica counts on above it. */
  reap(): void {
    for (const replica of this.replicas) {
      replica.actor = raiseFloor(replica.actor, replica.set.context.get(replica.actor.id))
      replica.set = DottedVersionSet.empty()
      replica.history = NOTHING
    }
  }

  /** Actors that no replica is any more are forgotten by all at once, where none of their values is left. */
  prune(): void {
    const active = new Set(this.replicas.map(({ actor }) => actor.id))
    const retired = [...this.#ofActor].filter(([id]) => !active.has(id))
    for (const replica of this.replicas) {
      const live = new Set(replica.set.siblings.map(({ actor }) => actor))
      const forgotten = retired.filter(([id]) => !live.has(id)).reduce((bits, [, events]) => bits | events, 0n)
      replica.set = replica.set.prune((id) => !active.has(id))
      replica.history = { seen: replica.history.seen & ~forgotten, over: replica.history.over & ~forgotten }
    }
  }

  #newActor(node: number): Actor {
    return { id: actorId(`n${node}`, this.#incarnations++), floor: 0 }
  }
}

const merged = (a: History, b: History): History => ({ seen: a.seen | b.seen, over: a.over | b.over })

const read: Step = (world) => {
  const client = world.pick(world.clients)
  const { set, history } = world.pick(world.replicas)
  const isMerged = world.random.integer(0, 2) === 0
  client.context = isMerged ? client.context.merge(set.context) : set.context
  client.seen = isMerged ? client.seen | known(history) : known(history)
}

const put: Step = (world) => world.update(world.pick(world.replicas), world.pick(world.clients))

const putUnread: Step = (world) => world.update(world.pick(world.replicas), { context: VectorClock.empty, seen: 0n })

const remove: Step = (world) => {
  const replica = world.pick(world.replicas)
  const { context, seen } = world.pick(world.clients)
  replica.set = replica.set.discard(context)
  replica.history = merged(replica.history, { seen: 0n, over: seen })
}

const syncTwo: Step = (world) => {
  const to = world.pick(world.replicas)
  const from = world.pick(world.replicas)
  to.set = to.set.sync(from.set)
  to.history = merged(to.history, from.history)
}

/** Clients of a replica that lost its disk keep contexts with dots of the earlier actor. */
const loseDisk: Step = (world) => world.loseDisk(world.pick(world.replicas))

const settle: Step = (world) => {
  world.settle()
  const { set, history } = world.pick(world.replicas)
  if (world.random.integer(0, 2) === 0) return
  for (const replica of world.replicas) {
    replica.set = set.discard(set.context)
    replica.history = merged(history, { seen: 0n, over: known(history) })
  }
  world.reap()
}

const prune: Step = (world) => {
  world.settle()
  world.prune()
}

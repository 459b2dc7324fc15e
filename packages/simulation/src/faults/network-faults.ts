import { pick } from '../seed.ts'
import type { LinkTrouble, Restore } from '../world.ts'
import { all, type FaultAction, type FaultContext } from './fault-action.ts'

type Pair = readonly [from: string, to: string]

/** Ordered pairs of different nodes that satisfy `wanted`. */
function pairs({ world }: FaultContext, wanted: (from: string, to: string) => boolean): Pair[] {
  return world.ids.flatMap((from) =>
    world.ids.filter((to) => to !== from && wanted(from, to)).map((to) => [from, to] as const),
  )
}

function cutAll(context: FaultContext, wanted: (from: string, to: string) => boolean): Restore {
  return all(pairs(context, wanted).map(([from, to]) => context.world.network.cut(from, to)))
}

/** Two sides by lot; both have a node where there are two. */
function sides({ world, random }: FaultContext): (id: string) => boolean {
  const left = new Set(world.ids.filter(() => random.float() < 0.5))
  const one = pick(random, world.ids)
  if (left.size === 0 || left.size === world.ids.length) return (id) => id === one
  return (id) => left.has(id)
}

const between = (context: FaultContext): boolean => context.world.ids.length > 1

/** Every link gets the trouble, or those of one node alone. */
function troubled(context: FaultContext, trouble: LinkTrouble): Restore {
  const everywhere = context.random.float() < 0.5
  const touched = pairs(context, (from, to) => everywhere || from === context.id || to === context.id)
  return all(touched.map(([from, to]) => context.world.network.trouble(from, to, trouble)))
}

const partitionHalves: FaultAction = (context) => {
  if (!between(context)) return undefined
  const left = sides(context)
  return cutAll(context, (from, to) => left(from) !== left(to))
}

const isolate: FaultAction = (context) =>
  between(context) ? cutAll(context, (from, to) => from === context.id || to === context.id) : undefined

/** Two sides that do not see each other, and one node that sees all (the shape that made leaders flap in practice). */
const partitionBridge: FaultAction = (context) => {
  if (context.world.ids.length < 3) return undefined
  const left = sides(context)
  const isBridge = (id: string): boolean => id === context.id
  return cutAll(context, (from, to) => !isBridge(from) && !isBridge(to) && left(from) !== left(to))
}

/** Each node sees its two neighbours alone: a majority for each, and another one for everybody. */
const partitionRing: FaultAction = (context) => {
  const { ids } = context.world
  if (ids.length < 4) return undefined
  const distance = (from: string, to: string): number => Math.abs(ids.indexOf(from) - ids.indexOf(to))
  return cutAll(context, (from, to) => distance(from, to) !== 1 && distance(from, to) !== ids.length - 1)
}

/** Some see the node and some do not, while all others see each other. */
const partlySeen: FaultAction = (context) => {
  if (context.world.ids.length < 3) return undefined
  const seeing = pick(context.random, context.others)
  const rest = context.others.filter((id) => id !== seeing)
  const hidden = new Set([pick(context.random, rest), ...rest.filter(() => context.random.float() < 0.5)])
  return cutAll(
    context,
    (from, to) => (from === context.id && hidden.has(to)) || (to === context.id && hidden.has(from)),
  )
}

/** The node hears nobody, or nobody hears it. */
const oneWayCut: FaultAction = (context) => {
  if (!between(context)) return undefined
  const deaf = context.random.float() < 0.5
  const spared = context.random.float() < 0.3 ? pick(context.random, context.others) : undefined
  return cutAll(context, (from, to) =>
    deaf ? to === context.id && from !== spared : from === context.id && to !== spared,
  )
}

const FLAPS = 12

/** Links of the node go and come, again and again. */
const flapping: FaultAction = (context) => {
  if (!between(context)) return undefined
  const { random, forMs, id } = context
  const toggle = (): Restore => cutAll(context, (from, to) => from === id || to === id)
  let cut: Restore | undefined = toggle()
  for (let flap = 1; flap < FLAPS; flap++) {
    context.later((forMs * (flap + random.float() * 0.8)) / FLAPS, () => {
      if (cut === undefined) cut = toggle()
      else {
        cut()
        cut = undefined
      }
    })
  }
  return () => cut?.()
}

const slowLinks: FaultAction = (context) =>
  between(context)
    ? troubled(context, { extraDelayMs: context.forMs * pick(context.random, [0.05, 0.3, 1]) })
    : undefined

const loss: FaultAction = (context) =>
  between(context) ? troubled(context, { lossRate: pick(context.random, [0.05, 0.3, 0.8]) }) : undefined

const duplication: FaultAction = (context) =>
  between(context) ? troubled(context, { duplicateRate: pick(context.random, [0.05, 0.5]) }) : undefined

const reordering: FaultAction = (context) =>
  between(context) ? troubled(context, { reorderRate: pick(context.random, [0.05, 0.5]) }) : undefined

const heavyTail: FaultAction = (context) =>
  between(context) ? troubled(context, { tailRate: pick(context.random, [0.05, 0.3]) }) : undefined

/** Some links deliver nothing for a while, and then everything in one burst: as a route did that was cut for four seconds. */
const silentCut: FaultAction = (context) => {
  if (!between(context)) return undefined
  const left = sides(context)
  const held = pairs(context, (from, to) => left(from) !== left(to))
  return all(held.map(([from, to]) => context.world.network.hold(from, to)))
}

/** What the node sends arrives late and all at once, while it hears everything itself. */
const frozenPeer: FaultAction = (context) => {
  if (!between(context)) return undefined
  return all(context.others.map((to) => context.world.network.hold(context.id, to)))
}

const brokerOutage: FaultAction = ({ world, id, random }) => {
  const everywhere = random.float() < 0.3
  return all((everywhere ? world.ids : [id]).map((each) => world.network.disconnect(each, { buffered: false })))
}

/** The client library keeps what is sent during the outage, and sends it, stale, after the reconnect. */
const brokerStale: FaultAction = ({ world, id, random }) => {
  const everywhere = random.float() < 0.3
  return all((everywhere ? world.ids : [id]).map((each) => world.network.disconnect(each, { buffered: true })))
}

/** What can go wrong between nodes. */
export const NETWORK_FAULTS: Readonly<Record<string, FaultAction>> = {
  'partition-halves': partitionHalves,
  'partition-bridge': partitionBridge,
  'partition-ring': partitionRing,
  'partly-seen': partlySeen,
  isolate,
  'one-way-cut': oneWayCut,
  flapping,
  'slow-links': slowLinks,
  loss,
  duplication,
  reordering,
  'heavy-tail': heavyTail,
  'silent-cut': silentCut,
  'frozen-peer': frozenPeer,
  'broker-outage': brokerOutage,
  'broker-stale': brokerStale,
}

/** How many nodes it takes until each has a link, or a side, to be cut from. Those that are not here need no other node. */
export const LEAST_NODES: ReadonlyMap<string, number> = new Map([
  ...Object.keys(NETWORK_FAULTS)
    .filter((kind) => kind !== 'broker-outage' && kind !== 'broker-stale')
    .map((kind) => [kind, 2] as const),
  ['partition-bridge', 3],
  ['partition-ring', 4],
  ['partly-seen', 3],
])

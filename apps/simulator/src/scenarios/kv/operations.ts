import type { Random } from '@dsys/runtime'
import { type Operation, type Plan, pick } from '@dsys/simulation'

/**
 * What a client can do. `once` is a put that is tried again until its outcome is known; `transfer` asks the leader to hand over, `reconfigure` changes the members as its key says: they are no operations
 * on a key.
 */
export const VERBS = [
  'put',
  'get',
  'stale',
  'create',
  'update',
  'delete',
  'delete-if',
  'once',
  'transfer',
  'reconfigure',
] as const
export type Verb = (typeof VERBS)[number]

/** One operation of a plan, as this scenario understands it. */
export interface KvOperation {
  readonly atMs: number
  /** Which of the clients; each makes one call at a time. */
  readonly client: number
  /** Through which node, counted from 0; another one where that is down. */
  readonly node: number
  readonly verb: Verb
  /** Of a `reconfigure`: see `targetOf`. */
  readonly key: string
  /** Of no other operation: by its value a change is known. */
  readonly number: number
  /** The caller gives up after this long; never, when it is 0. */
  readonly abortAfterMs: number
}

/** How often each is drawn. */
const MIX: readonly Verb[] = [
  ...Array.from({ length: 24 }, (): Verb => 'put'),
  ...Array.from({ length: 30 }, (): Verb => 'get'),
  ...Array.from({ length: 8 }, (): Verb => 'stale'),
  ...Array.from({ length: 10 }, (): Verb => 'create'),
  ...Array.from({ length: 14 }, (): Verb => 'update'),
  ...Array.from({ length: 6 }, (): Verb => 'delete'),
  ...Array.from({ length: 6 }, (): Verb => 'delete-if'),
  ...Array.from({ length: 8 }, (): Verb => 'once'),
  'transfer',
]

const MAX_OPERATIONS = 3_000

/** What decides how many operations there are, and how they meet. */
export interface LoadKnobs {
  readonly clients: number
  /** Between two operations of one client, on average. */
  readonly everyMs: number
  /** Keys that are in use at the same time. */
  readonly keys: number
  /** After this long, clients go over to other keys: then no history of one key is long. */
  readonly keyLifeMs: number
}

export function drawLoad(random: Random): LoadKnobs {
  return {
    clients: pick(random, [3, 5, 8]),
    everyMs: pick(random, [60, 150, 400]),
    keys: pick(random, [1, 3, 6]),
    keyLifeMs: pick(random, [700, 2_000]),
  }
}

export function drawOperations(
  random: Random,
  { nodes, chaosMs, load }: { readonly nodes: number; readonly chaosMs: number; readonly load: LoadKnobs },
): Operation[] {
  const { clients, everyMs, keys, keyLifeMs } = load
  const operations: Operation[] = []
  const gapMs = everyMs / clients
  for (let atMs = 0; atMs < chaosMs && operations.length < MAX_OPERATIONS; atMs += gapMs * 2 * random.float()) {
    const abort = random.float() < 0.03
    operations.push({
      atMs: Math.round(atMs),
      client: random.integer(0, clients),
      node: random.integer(0, nodes),
      verb: pick(random, MIX),
      key: `k${Math.floor(atMs / keyLifeMs)}-${random.integer(0, keys)}`,
      number: operations.length + 1,
      abortAfterMs: abort ? random.integer(0, 300) : 0,
    })
  }
  return operations
}

/** The operations of a plan. */
export function operationsOf(plan: Plan): readonly KvOperation[] {
  return plan.operations as unknown as readonly KvOperation[]
}

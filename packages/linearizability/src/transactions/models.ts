import type { AnomalyKind } from './anomalies.ts'

/**
 * Consistency models, the weakest first. `strong` ones also respect real time, `strong-session` ones the order of each process.
 * Strict serializability is strong serializability.
 */
export const CONSISTENCY_MODELS = [
  'read-uncommitted',
  'strong-session-read-uncommitted',
  'strong-read-uncommitted',
  'read-committed',
  'strong-session-read-committed',
  'strong-read-committed',
  'read-atomic',
  'cursor-stability',
  'consistent-view',
  'repeatable-read',
  'snapshot-isolation',
  'strong-session-snapshot-isolation',
  'strong-snapshot-isolation',
  'serializable',
  'strong-session-serializable',
  'strict-serializable',
] as const

/** A promise that a store makes about its transactions. */
export type ConsistencyModel = (typeof CONSISTENCY_MODELS)[number]

/** The models that a model implies directly. */
const IMPLIES: Readonly<Record<ConsistencyModel, readonly ConsistencyModel[]>> = {
  'read-uncommitted': [],
  'strong-session-read-uncommitted': ['read-uncommitted'],
  'strong-read-uncommitted': ['strong-session-read-uncommitted'],
  'read-committed': ['read-uncommitted'],
  'strong-session-read-committed': ['read-committed', 'strong-session-read-uncommitted'],
  'strong-read-committed': ['strong-session-read-committed', 'strong-read-uncommitted'],
  'read-atomic': ['read-committed'],
  'cursor-stability': ['read-committed'],
  'consistent-view': ['cursor-stability'],
  'repeatable-read': ['cursor-stability'],
  'snapshot-isolation': ['consistent-view', 'read-atomic'],
  'strong-session-snapshot-isolation': ['snapshot-isolation', 'strong-session-read-committed'],
  'strong-snapshot-isolation': ['strong-session-snapshot-isolation', 'strong-read-committed'],
  serializable: ['snapshot-isolation', 'repeatable-read'],
  'strong-session-serializable': ['serializable', 'strong-session-snapshot-isolation'],
  'strict-serializable': ['strong-session-serializable', 'strong-snapshot-isolation'],
}

/**
 * The weakest models that forbid an anomaly: Adya, Liskov and O'Neil, "Generalized Isolation Level Definitions" (2000) for G0 to G2,
 * Cerone, Bernardi and Gotsman (2015) for `internal`, Cerone and Gotsman, "Analysing Snapshot Isolation" (2016) for cycles whose rw edges
 * are not adjacent.
 */
const FORBIDDEN_BY: Readonly<Record<AnomalyKind, readonly ConsistencyModel[]>> = {
  'duplicate-elements': ['read-uncommitted'],
  'cyclic-versions': ['read-uncommitted'],
  'thin-air-read': ['read-committed'],
  G1a: ['read-committed'],
  'dirty-update': ['read-committed'],
  'incompatible-order': ['read-committed'],
  G1b: ['read-committed'],
  'future-read': ['read-committed'],
  internal: ['read-atomic'],
  'lost-update': ['cursor-stability'],
  // Only the declared assumption fails: a strict serializable store keeps each key linearizable, a weaker one need not.
  'cyclic-versions-realtime': ['strict-serializable'],
  G0: ['read-uncommitted'],
  'G0-process': ['strong-session-read-uncommitted'],
  'G0-realtime': ['strong-read-uncommitted'],
  G1c: ['read-committed'],
  'G1c-process': ['strong-session-read-committed'],
  'G1c-realtime': ['strong-read-committed'],
  'G-single': ['consistent-view', 'repeatable-read'],
  'G-single-process': ['strong-session-snapshot-isolation'],
  'G-single-realtime': ['strong-snapshot-isolation'],
  'G-nonadjacent': ['snapshot-isolation', 'repeatable-read'],
  'G-nonadjacent-process': ['strong-session-snapshot-isolation'],
  'G-nonadjacent-realtime': ['strong-snapshot-isolation'],
  'G2-item': ['repeatable-read'],
  'G2-item-process': ['strong-session-serializable'],
  'G2-item-realtime': ['strict-serializable'],
}

/** Every model that the anomalies rule out, the weakest first. */
export function ruledOutModels(kinds: Iterable<AnomalyKind>): ConsistencyModel[] {
  const direct = new Set<ConsistencyModel>()
  for (const kind of kinds) for (const model of FORBIDDEN_BY[kind]) direct.add(model)
  // A model comes after all that it implies, so one pass is enough.
  const out = new Set<ConsistencyModel>()
  for (const model of CONSISTENCY_MODELS) {
    if (direct.has(model) || IMPLIES[model].some((weaker) => out.has(weaker))) out.add(model)
  }
  return [...out]
}

/** Those of the models that imply no other of them: what is really broken, where the rest follows. */
export function weakestModels(models: readonly ConsistencyModel[]): ConsistencyModel[] {
  const all = new Set(models)
  return models.filter((model) => !IMPLIES[model].some((weaker) => all.has(weaker)))
}

/** The strongest models that are not among those ruled out. They are not proven: the history just does not speak against them. */
export function strongestPossible(ruledOut: readonly ConsistencyModel[]): ConsistencyModel[] {
  const possible = CONSISTENCY_MODELS.filter((model) => !ruledOut.includes(model))
  return possible.filter((model) => !possible.some((stronger) => IMPLIES[stronger].includes(model)))
}

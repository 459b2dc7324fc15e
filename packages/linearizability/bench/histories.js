/**
 * Histories of closed-loop clients on a store that is linearizable by construction: every operation takes effect at one instant between
 * its call and its return. From a seed, so that each run of a bench judges the same ones.
 */
import { HistoryRecorder } from '@dsys/linearizability'

/** @typedef {(state: any, unique: number, pick: (below: number) => number) => { input: object, effect: (state: any) => [any, unknown] }} Maker */

/** @type {Record<string, Maker>} what the clients do: an operation, and what it does to the state of its key */
export const WORKLOADS = {
  register: (_state, unique, pick) =>
    pick(2) === 0
      ? { input: { op: 'read' }, effect: (state) => [state, state ?? null] }
      : { input: { op: 'write', value: unique }, effect: () => [unique, null] },
  'cas-register': (known, unique, pick) => {
    const kind = pick(4)
    if (kind < 2) return { input: { op: 'read' }, effect: (state) => [state, state ?? null] }
    if (kind === 2) return { input: { op: 'write', value: unique % 5 }, effect: () => [unique % 5, null] }
    const [from, to] = [known ?? 0, pick(5)]
    return {
      input: { op: 'cas', from, to },
      effect: (state) => (state === from ? [to, true] : [state, false]),
    }
  },
  'list-append': (_state, unique, pick) =>
    pick(2) === 0
      ? { input: { op: 'read' }, effect: (state) => [state, state ?? []] }
      : { input: { op: 'append', value: unique }, effect: (state) => [[...(state ?? []), unique], null] },
  'key-value': (known, unique, pick) => {
    const kind = pick(4)
    if (kind < 2) return { input: { op: 'get' }, effect: (state) => [state, state?.value === undefined ? null : state] }
    if (kind === 2) {
      return {
        input: { op: 'put', value: unique },
        effect: (state) => {
          const revision = (state?.revision ?? 0) + 1
          return [{ value: unique, revision }, { revision }]
        },
      }
    }
    const at = known?.revision ?? 1
    return {
      input: { op: 'update', value: unique, revision: at },
      effect: (state) => {
        if (state?.revision !== at) return [state, { updated: false, actual: state ?? null }]
        return [
          { value: unique, revision: at + 1 },
          { updated: true, revision: at + 1 },
        ]
      },
    }
  },
  queue: (_state, unique, pick) =>
    pick(2) === 0
      ? { input: { op: 'enqueue', value: unique }, effect: (state) => [[...(state ?? []), unique], null] }
      : {
          input: { op: 'dequeue' },
          effect: (state) => (state?.length > 0 ? [state.slice(1), { value: state[0] }] : [state, null]),
        },
}

/**
 * @param {{ workload: string, operations: number, keys: number, clients: number, unknownShare: number, seed: number }} options
 */
export function makeHistory({ workload, operations, keys, clients, unknownShare, seed }) {
  const random = mulberry32(seed)
  const pick = (/** @type {number} */ below) => Math.floor(random() * below)
  const make = /** @type {Maker} */ (WORKLOADS[workload])
  const recorder = new HistoryRecorder()
  /** @type {Map<string, any>} */
  const store = new Map()
  /** @type {any[]} */
  const slots = Array.from({ length: clients }, (_, index) => ({ client: `c${index}` }))
  /** @type {any[]} effects of unknown outcome that are still to come */
  const late = []
  let begun = 0
  while (begun < operations || slots.some((slot) => slot.call !== undefined)) {
    if (late.length > 0 && pick(20) === 0) apply(late.splice(pick(late.length), 1)[0])
    const slot = slots[pick(clients)]
    if (slot.call === undefined) {
      if (begun === operations) continue
      const key = `k${pick(keys)}`
      Object.assign(slot, make(store.get(key), begun++, pick), {
        key,
        applied: false,
        isUnknown: random() < unknownShare,
      })
      slot.call = recorder.invoke(slot.client, key, slot.input)
    } else if (slot.isUnknown) {
      slot.call.unknown()
      if (pick(2) === 0) late.push({ key: slot.key, effect: slot.effect })
      slot.call = undefined
      slot.client = `${slot.client}'`.replace(/'{9}/, '"')
    } else if (!slot.applied) {
      slot.output = apply(slot)
      slot.applied = true
    } else {
      slot.call.ok(slot.output)
      slot.call = undefined
    }
  }
  return recorder.history()

  /** @param {{ key: string, effect: (state: any) => [any, unknown] }} operation */
  function apply({ key, effect }) {
    const [state, output] = effect(store.get(key))
    store.set(key, state)
    return output
  }
}

/** @param {number} seed */
function mulberry32(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

import { canonicalText, hashText, type Json } from '../json.ts'
import { type Foresight, IMPOSSIBLE, type Model, type RecordedOperation } from '../model.ts'
import { showFirst } from './items.ts'
import { PersistentMap } from './persistent-map.ts'
import { anything, list, nothing, oneOf, operationProblem, truth } from './shape.ts'

/**
 * What a set takes. `add` and `remove` return whether they changed it, or `null` when the store does not say; `has` returns whether the
 * item is in it, and `read` all items in any order.
 */
export type SetInput = { readonly op: 'add' | 'remove' | 'has'; readonly value: Json } | { readonly op: 'read' }

/** The items by their text, and the sum of their hashes. */
export interface SetState {
  readonly items: PersistentMap<true>
  readonly hash: number
}

const OPERATIONS = {
  add: { input: { value: anything }, output: oneOf(truth, nothing) },
  remove: { input: { value: anything }, output: oneOf(truth, nothing) },
  has: { input: { value: anything }, output: truth },
  read: { input: {}, output: list },
}

/** A set of values. */
export function setModel(): Model<SetState, SetInput, Json> {
  return {
    name: 'set',
    init: () => ({ items: PersistentMap.empty(), hash: 0 }),
    step,
    readOnly: (input, output) => input.op === 'read' || input.op === 'has' || output === false,
    foresight,
    equals: (a, b) => a.items.equals(b.items, () => true),
    hash: (state) => state.hash,
    problem: (input, output) => operationProblem(OPERATIONS, input, output),
    describe: (input, output) => {
      const value = 'value' in input ? ` ${JSON.stringify(input.value)}` : ''
      return `${input.op}${value}${output === undefined || output === null ? '' : ` → ${JSON.stringify(output)}`}`
    },
    describeState: ({ items }) => `{ ${showFirst(items.entries(), items.size, ([item]) => item)} }`,
  }
}

/** Nobody saw an `add` of what was never there for anybody, nor a `remove` of what was never missing. */
function foresight(operations: readonly RecordedOperation<SetInput, Json>[]): Foresight<SetState, SetInput, Json> {
  const there = new Set<string>()
  const missing = new Set<string>()
  /** In how many of the reads each item was. */
  const readings = new Map<string, number>()
  let reads = 0
  const added = new Set<string>()
  for (const { input, output } of operations) {
    if (input.op === 'add') added.add(canonicalText(input.value))
    if (input.op === 'read') {
      if (output === undefined) continue
      reads += 1
      for (const item of new Set((output as readonly Json[]).map(canonicalText)))
        readings.set(item, (readings.get(item) ?? 0) + 1)
    } else if (typeof output === 'boolean') {
      // An `add` that changed nothing found the item, and a `remove` that changed something.
      const isThere = (input.op === 'add') !== output
      const found = isThere ? there : missing
      found.add(canonicalText(input.value))
    }
  }
  return {
    isHopeless: [...readings.keys(), ...there].some((item) => !added.has(item)),
    isSeen: (input) => {
      if (input.op === 'read' || input.op === 'has') return true
      const item = canonicalText(input.value)
      const count = readings.get(item) ?? 0
      return input.op === 'add' ? count > 0 || there.has(item) : count < reads || missing.has(item)
    },
  }
}

function step(state: SetState, input: SetInput, output: Json | undefined): readonly SetState[] {
  if (input.op === 'read') {
    return output === undefined || isAll(state, output as readonly Json[]) ? [state] : IMPOSSIBLE
  }
  const item = canonicalText(input.value)
  const isIn = state.items.has(item)
  if (input.op === 'has') return output === undefined || output === isIn ? [state] : IMPOSSIBLE
  const changes = (input.op === 'add') !== isIn
  if (typeof output === 'boolean' && output !== changes) return IMPOSSIBLE
  return [changes ? toggled(state, item) : state]
}

function toggled({ items, hash }: SetState, item: string): SetState {
  return items.has(item)
    ? { items: items.without(item), hash: (hash - hashText(item)) | 0 }
    : { items: items.with(item, true), hash: (hash + hashText(item)) | 0 }
}

/** Whether a read gave every item once. */
function isAll(state: SetState, read: readonly Json[]): boolean {
  return read.length === state.items.size && new Set(read.map(canonicalText)).size === read.length
    ? read.every((item) => state.items.has(canonicalText(item)))
    : false
}

import { canonicalText, hashText, type Json } from '../json.ts'
import { IMPOSSIBLE, type Model } from '../model.ts'
import { anything, list, nothing, oneOf, operationProblem, truth } from './shape.ts'

/**
 * What a set takes. `add` and `remove` return whether they changed it, or `null` when the store does not say; `has` returns whether the
 * item is in it, and `read` all items in any order.
 */
export type SetInput = { readonly op: 'add' | 'remove' | 'has'; readonly value: Json } | { readonly op: 'read' }

/** The items by their text, and the sum of their hashes. */
export interface SetState {
  readonly items: ReadonlySet<string>
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
    init: () => ({ items: new Set(), hash: 0 }),
    step,
    readOnly: (input, output) => input.op === 'read' || input.op === 'has' || output === false,
    equals: (a, b) => {
      if (a === b) return true
      if (a.items.size !== b.items.size) return false
      for (const item of a.items) if (!b.items.has(item)) return false
      return true
    },
    hash: (state) => state.hash,
    problem: (input, output) => operationProblem(OPERATIONS, input, output),
    describe: (input, output) => {
      const value = 'value' in input ? ` ${JSON.stringify(input.value)}` : ''
      return `${input.op}${value}${output === undefined || output === null ? '' : ` → ${JSON.stringify(output)}`}`
    },
    describeState: ({ items }) => `{ ${[...items].join(', ')} }`,
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

function toggled(state: SetState, item: string): SetState {
  const items = new Set(state.items)
  const isIn = items.delete(item)
  if (!isIn) items.add(item)
  return { items, hash: (state.hash + (isIn ? -hashText(item) : hashText(item))) | 0 }
}

/** Whether a read gave every item once. */
function isAll(state: SetState, read: readonly Json[]): boolean {
  return read.length === state.items.size && new Set(read.map(canonicalText)).size === read.length
    ? read.every((item) => state.items.has(canonicalText(item)))
    : false
}

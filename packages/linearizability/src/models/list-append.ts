import { canonicalText, hashJson, type Json, mixHash, sameJson } from '../json.ts'
import { type Foresight, IMPOSSIBLE, type Model, type RecordedOperation } from '../model.ts'
import { showLast } from './items.ts'
import { anything, list, nothing, operationProblem } from './shape.ts'

/** What a list takes. An append returns `null`, a read the whole list. */
export type ListInput = { readonly op: 'append'; readonly value: Json } | { readonly op: 'read' }

/** A list as its last item and the list before it, so that to append takes no time. `undefined` is the empty list. */
export interface ListState {
  readonly last: Json
  readonly before: ListState | undefined
  readonly length: number
  readonly hash: number
}

const OPERATIONS = {
  append: { input: { value: anything }, output: nothing },
  read: { input: {}, output: list },
}

/** A list that only grows, at its end. A read tells the order of all appends before it, which makes for the strictest of histories. */
export function listAppendModel(): Model<ListState | undefined, ListInput, Json> {
  return {
    name: 'list-append',
    init: () => undefined,
    step: (state, input, output) => {
      if (input.op === 'append') return [append(state, input.value)]
      return output === undefined || isList(state, output as readonly Json[]) ? [state] : IMPOSSIBLE
    },
    readOnly: (input) => input.op === 'read',
    // A list never has an earlier length again.
    marks: {
      of: (state) => state?.length ?? 0,
      needed: (input, output) => (input.op === 'read' && Array.isArray(output) ? output.length : undefined),
      given: () => undefined,
    },
    foresight,
    equals: sameList,
    hash: (state) => state?.hash ?? 0,
    problem: (input, output) => operationProblem(OPERATIONS, input, output),
    describe: (input, output) => {
      if (input.op === 'append') return `append ${JSON.stringify(input.value)}`
      return output === undefined ? 'read' : `read → ${JSON.stringify(output)}`
    },
    describeState: (state) => `[${showLast(itemsOf(state), state?.length ?? 0, (item) => JSON.stringify(item))}]`,
  }
}

/** The list has been the longest one that was read, so until then it begins like that, and nobody saw what is not in it. */
function foresight(
  operations: readonly RecordedOperation<ListInput, Json>[],
): Foresight<ListState | undefined, ListInput, Json> {
  let longest: readonly Json[] = []
  for (const { output } of operations) {
    if (Array.isArray(output) && output.length > longest.length) longest = output as readonly Json[]
  }
  const seen = new Set(longest.map(canonicalText))
  return {
    isSeen: (input) => input.op === 'read' || seen.has(canonicalText(input.value)),
    isOpen: (state) =>
      state === undefined || state.length > longest.length || sameJson(state.last, longest[state.length - 1]),
  }
}

function append(state: ListState | undefined, value: Json): ListState {
  const hash = mixHash(state?.hash ?? 0, hashJson(value))
  return { last: value, before: state, length: (state?.length ?? 0) + 1, hash }
}

function isList(state: ListState | undefined, items: readonly Json[]): boolean {
  if ((state?.length ?? 0) !== items.length) return false
  let rest = state
  for (let index = items.length - 1; rest !== undefined; index--) {
    if (!sameJson(rest.last, items[index])) return false
    rest = rest.before
  }
  return true
}

function sameList(a: ListState | undefined, b: ListState | undefined): boolean {
  let [left, right] = [a, b]
  // Lists that grew from the same one share it, so the comparison ends where they parted.
  while (left !== right) {
    if (left === undefined || right === undefined || left.hash !== right.hash || left.length !== right.length)
      return false
    if (!sameJson(left.last, right.last)) return false
    left = left.before
    right = right.before
  }
  return true
}

/** Last to first. */
function* itemsOf(state: ListState | undefined): Generator<Json> {
  for (let rest = state; rest !== undefined; rest = rest.before) yield rest.last
}

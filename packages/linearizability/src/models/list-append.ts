import { hashJson, type Json, mixHash, sameJson } from '../json.ts'
import { IMPOSSIBLE, type Model } from '../model.ts'
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
    equals: sameList,
    hash: (state) => state?.hash ?? 0,
    problem: (input, output) => operationProblem(OPERATIONS, input, output),
    describe: (input, output) => {
      if (input.op === 'append') return `append ${JSON.stringify(input.value)}`
      return output === undefined ? 'read' : `read → ${JSON.stringify(output)}`
    },
    describeState: (state) => JSON.stringify(itemsOf(state)),
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

function itemsOf(state: ListState | undefined): Json[] {
  const items: Json[] = []
  for (let rest = state; rest !== undefined; rest = rest.before) items.push(rest.last)
  return items.reverse()
}

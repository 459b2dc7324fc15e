import { canonicalText, hashJson, type Json, mixHash, sameJson } from '../json.ts'
import { type Foresight, IMPOSSIBLE, type Model, type RecordedOperation } from '../model.ts'
import { showFirst } from './items.ts'
import { anything, fields, nothing, oneOf, operationProblem } from './shape.ts'

/** What a queue takes. An enqueue returns `null`, a dequeue `{ value }`, or `null` when the queue was empty. */
export type QueueInput = { readonly op: 'enqueue'; readonly value: Json } | { readonly op: 'dequeue' }

/** What a dequeue returns. */
export type QueueOutput = { readonly value: Json } | null

/** An item with all that were enqueued before it, so that states share them. */
export interface QueuedItem {
  readonly value: Json
  /** How many were enqueued up to it. */
  readonly place: number
  readonly before: QueuedItem | undefined
  /** One further before it: over these the first item is found in few steps (Myers, "An Applicative Random-Access Stack", 1983). */
  readonly far: QueuedItem | undefined
}

/** The items behind the first `taken` of all that were enqueued, with a hash that both ends can change without the others. */
export interface QueueState {
  readonly last: QueuedItem | undefined
  readonly taken: number
  readonly length: number
  /** The sum of the hash of each item times the power of {@link FACTOR} that is its place. */
  readonly hash: number
}

const EMPTY: QueueState = { last: undefined, taken: 0, length: 0, hash: 0 }

/** Odd, so that it has an inverse among the numbers of 32 bits. */
const FACTOR = 0x01000193
const INVERSE = 0x359c449b

const OPERATIONS = {
  enqueue: { input: { value: anything }, output: nothing },
  dequeue: { input: {}, output: oneOf(nothing, fields({ value: anything })) },
}

/** First in, first out: each item that was enqueued is dequeued at most once, in order. */
export function queueModel(): Model<QueueState, QueueInput, QueueOutput> {
  return {
    name: 'queue',
    init: () => EMPTY,
    step,
    readOnly: (input, output) => input.op === 'dequeue' && output === null,
    foresight,
    equals: sameQueue,
    hash: ({ length, hash }) => mixHash(hash, length),
    problem: (input, output) => operationProblem(OPERATIONS, input, output),
    describe: (input, output) => {
      if (input.op === 'enqueue') return `enqueue ${JSON.stringify(input.value)}`
      if (output === undefined) return 'dequeue'
      return `dequeue → ${output === null ? 'empty' : JSON.stringify(output.value)}`
    },
    describeState: (state) => `[${showFirst(itemsOf(state), state.length, (item) => JSON.stringify(item))}]`,
  }
}

/** Nobody saw an item that was never dequeued: without it, and without a dequeue of unknown outcome that took it, the rest is as it was. */
function foresight(
  operations: readonly RecordedOperation<QueueInput, QueueOutput>[],
): Foresight<QueueState, QueueInput, QueueOutput> {
  const seen = new Set<string>()
  const enqueued = new Set<string>()
  for (const { input, output } of operations) {
    if (input.op === 'enqueue') enqueued.add(canonicalText(input.value))
    else if (output !== undefined && output !== null) seen.add(canonicalText(output.value))
  }
  return {
    isSeen: (input) => input.op === 'dequeue' || seen.has(canonicalText(input.value)),
    isHopeless: [...seen].some((item) => !enqueued.has(item)),
  }
}

function step(state: QueueState, input: QueueInput, output: QueueOutput | undefined): readonly QueueState[] {
  const { last, taken, length, hash } = state
  if (input.op === 'enqueue') {
    const added = Math.imul(hashJson(input.value), power(length))
    return [{ last: append(last, input.value), taken, length: length + 1, hash: (hash + added) | 0 }]
  }
  if (length === 0) return output === null ? [state] : IMPOSSIBLE
  const { value } = itemAt(last, taken + 1)
  if (output === null || (output !== undefined && !sameJson(value, output.value))) return IMPOSSIBLE
  if (length === 1) return [EMPTY]
  return [{ last, taken: taken + 1, length: length - 1, hash: Math.imul(hash - hashJson(value), INVERSE) }]
}

function append(before: QueuedItem | undefined, value: Json): QueuedItem {
  const place = (before?.place ?? 0) + 1
  const [far, farther] = [before?.far, before?.far?.far]
  // Where the last two leaps are equally long, one leap goes over both.
  const isEven = far !== undefined && (before?.place ?? 0) - far.place === far.place - (farther?.place ?? 0)
  return { value, place, before, far: isEven ? farther : before }
}

function itemAt(last: QueuedItem | undefined, place: number): QueuedItem {
  let item = last as QueuedItem
  while (item.place > place) {
    item = (item.far !== undefined && item.far.place >= place ? item.far : item.before) as QueuedItem
  }
  return item
}

function* itemsOf({ last, taken, length }: QueueState): Generator<Json> {
  for (let place = taken + 1; place <= taken + length; place++) yield itemAt(last, place).value
}

function sameQueue(a: QueueState, b: QueueState): boolean {
  if (a.length !== b.length || a.hash !== b.hash) return false
  let [left, right] = [a.last, b.last]
  // Queues that grew from the same one share it, so the comparison ends where they parted.
  for (let rest = a.length; rest > 0 && left !== right; rest--) {
    if (!sameJson(left?.value, right?.value)) return false
    left = left?.before
    right = right?.before
  }
  return true
}

/** {@link FACTOR} to the power of `exponent`, in 32 bits. */
function power(exponent: number): number {
  let result = 1
  let square = FACTOR
  for (let rest = exponent; rest > 0; rest >>>= 1) {
    if ((rest & 1) === 1) result = Math.imul(result, square)
    square = Math.imul(square, square)
  }
  return result
}

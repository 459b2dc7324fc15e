import { hashJson, type Json, mixHash, sameJson } from '../json.ts'
import { IMPOSSIBLE, type Model } from '../model.ts'
import { anything, fields, nothing, oneOf, operationProblem } from './shape.ts'

/** What a queue takes. An enqueue returns `null`, a dequeue `{ value }`, or `null` when the queue was empty. */
export type QueueInput = { readonly op: 'enqueue'; readonly value: Json } | { readonly op: 'dequeue' }

/** What a dequeue returns. */
export type QueueOutput = { readonly value: Json } | null

/** The items, first to last, with a hash that both ends can change without looking at the others. */
export interface QueueState {
  readonly items: readonly Json[]
  /** The sum of the hash of each item times the power of {@link FACTOR} that is its place. */
  readonly hash: number
}

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
    init: () => ({ items: [], hash: 0 }),
    step,
    readOnly: (input, output) => input.op === 'dequeue' && output === null,
    equals: (a, b) =>
      a === b || (a.items.length === b.items.length && a.items.every((item, index) => sameJson(item, b.items[index]))),
    hash: ({ items, hash }) => mixHash(hash, items.length),
    problem: (input, output) => operationProblem(OPERATIONS, input, output),
    describe: (input, output) => {
      if (input.op === 'enqueue') return `enqueue ${JSON.stringify(input.value)}`
      if (output === undefined) return 'dequeue'
      return `dequeue → ${output === null ? 'empty' : JSON.stringify(output.value)}`
    },
    describeState: ({ items }) => JSON.stringify(items),
  }
}

function step({ items, hash }: QueueState, input: QueueInput, output: QueueOutput | undefined): readonly QueueState[] {
  if (input.op === 'enqueue') {
    const added = Math.imul(hashJson(input.value), power(items.length))
    return [{ items: [...items, input.value], hash: (hash + added) | 0 }]
  }
  const [first] = items
  if (first === undefined) return output === null ? [{ items, hash }] : IMPOSSIBLE
  if (output === null || (output !== undefined && !sameJson(first, output.value))) return IMPOSSIBLE
  return [{ items: items.slice(1), hash: Math.imul(hash - hashJson(first), INVERSE) }]
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

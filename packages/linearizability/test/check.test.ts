import {
  CHECK_DEFAULTS,
  checkLinearizability,
  collectOperations,
  type HistoryEvent,
  HistoryModelError,
  HistoryOrderError,
  IMPOSSIBLE,
  type InvokeEvent,
  type Json,
  keyValueMapModel,
  MODEL_NAMES,
  type Model,
  modelByName,
  queueModel,
  registerModel,
} from '@dsys/linearizability'
import { describe, expect, test } from 'vitest'
import { makeHistory } from '../bench/histories.js'
import { history, inSequence, never, ok, together, unknown } from './events.ts'

const write = (value: number, key = 'x') => ok(`w${value}`, { op: 'write', value }, null, key)
const read = (client: string, output: number | null, key = 'x') => ok(client, { op: 'read' }, output, key)

/** Enqueues at once whose last one comes out first, and then once more: every order of them is tried. */
const hardQueue = (enqueued: number, key = 'x') => {
  const values = [...Array(enqueued).keys()]
  const enqueues = values.map((value) => ok(`e${value}`, { op: 'enqueue', value }, null, key))
  const dequeues = ['d', 'e'].map((client) => ok(client, { op: 'dequeue' }, { value: enqueued - 1 }, key))
  return [...together(...enqueues), ...inSequence(...dequeues)]
}

/** What no read of that workload returns. */
const UNREAD: Readonly<Record<string, Json>> = {
  register: -1,
  'key-value': { value: -1, revision: 1 },
  'list-append': [-1],
}

/** Whether the event is the end of an operation that reads. */
function isReadOf(event: HistoryEvent, events: readonly HistoryEvent[]): boolean {
  const invoke = events.find((one) => one.type === 'invoke' && one.op === event.op) as InvokeEvent
  return event.type === 'ok' && /read|get|dequeue/.test((invoke.input as { op: string }).op)
}

describe('the result', () => {
  test('has the keys in the order in which they appear, each with an order that proves it', () => {
    const events = history(inSequence(write(1, 'b'), read('r', 1, 'b'), write(2, 'a')), [
      ...inSequence(read('s', 2, 'a')),
    ])
    expect(checkLinearizability(registerModel(), events)).toMatchObject({
      verdict: 'linearizable',
      model: 'register',
      operations: 4,
      partitions: [
        { name: 'b', verdict: 'linearizable', operations: 2, order: [0, 1] },
        { name: 'a', verdict: 'linearizable', operations: 2, order: [2, 3] },
      ],
    })
  })

  test('an order has an operation of unknown outcome only where it must have taken effect', () => {
    const lost = unknown('w1', { op: 'write', value: 1 })
    const unseen = checkLinearizability(registerModel(), history(inSequence(lost, read('r', null))))
    expect(unseen.partitions[0]?.order).toEqual([1])
    const seen = checkLinearizability(registerModel(), history(inSequence(lost, read('r', null), read('r', 1))))
    expect(seen.partitions[0]?.order).toEqual([1, 0, 2])
  })

  test('is the same each time, in every field', () => {
    for (const workload of Object.keys(UNREAD)) {
      const events = makeHistory({ workload, operations: 400, keys: 3, clients: 6, unknownShare: 0.05, seed: 3 })
      const last = events.findLastIndex((event) => isReadOf(event, events))
      const broken = events.map((event, index) =>
        index === last ? ({ ...event, output: UNREAD[workload] } as HistoryEvent) : event,
      )
      const model = modelByName(workload) as NonNullable<ReturnType<typeof modelByName>>
      const [first, second] = [
        checkLinearizability(model, broken),
        checkLinearizability(model, structuredClone(broken)),
      ]
      expect(first).toEqual(second)
      expect(first.verdict).toBe('not-linearizable')
    }
  })

  test('says why in sentences, with the smallest prefix', () => {
    const events = history(inSequence(write(1), read('b', null), write(2), read('c', 2)))
    const { failure } = checkLinearizability(registerModel(), events)
    expect(failure).toMatchObject({ partition: 'x', prefixEvents: 4, smallest: true, operation: { op: 1 } })
    expect(failure?.operations.map(({ op }) => op)).toEqual([0, 1])
    expect(failure?.text).toBe(
      'The part "x" is not linearizable for the model register. ' +
        'Of the first 4 events, which end with that of operation 1 of b (read → null), it has no order. ' +
        'Without that end it has one. ' +
        'The longest order that was found has 1 operation and leads to the state 1. ' +
        'It has no place for operation 1 of b (read → null).',
    )
  })

  test('says when the effect is needed of what failed, or returned something else', () => {
    const failed: HistoryEvent[] = [
      { type: 'invoke', op: 0, client: 'a', key: 'x', input: { op: 'write', value: 1 } },
      { type: 'invoke', op: 1, client: 'b', key: 'x', input: { op: 'read' } },
      { type: 'ok', op: 1, output: 1 },
      { type: 'fail', op: 0 },
    ]
    expect(checkLinearizability(registerModel(), failed).failure).toMatchObject({
      operation: { op: 0 },
      unplaced: [],
      text: expect.stringContaining('It needs the effect of operation 0 of a (write 1, failed), which failed.'),
    })
    const other: HistoryEvent[] = [
      { type: 'invoke', op: 0, client: 'a', key: 'x', input: { op: 'put', value: 1 } },
      { type: 'invoke', op: 1, client: 'b', key: 'x', input: { op: 'get' } },
      { type: 'ok', op: 1, output: { value: 1, revision: 1 } },
      { type: 'ok', op: 0, output: { revision: 2 } },
    ]
    expect(checkLinearizability(keyValueMapModel(), other).failure?.text).toMatch(
      /^The history is not .* It needs the effect of operation 0 of a .*, but with another output\.$/,
    )
  })
})

describe('the budget', () => {
  test('too small, it leaves the verdict undecided, with nothing claimed', () => {
    const events = history(hardQueue(6))
    const result = checkLinearizability(queueModel(), events, { budget: 200 })
    expect(result).toMatchObject({ verdict: 'undecided', failure: undefined })
    expect(result.partitions).toMatchObject([{ name: 'x', verdict: 'undecided', order: undefined }])
    expect(result.steps).toBeLessThan(1_000)
    expect(checkLinearizability(queueModel(), events).verdict).toBe('not-linearizable')
  })

  test('a violation elsewhere is found although a key before it is too hard', () => {
    const events = history(hardQueue(10, 'hard'), inSequence(ok('a', { op: 'dequeue' }, { value: 1 }, 'easy')))
    const hard = history(hardQueue(10, 'hard'))
    const budget = 60_000
    expect(checkLinearizability(queueModel(), hard, { budget }).verdict).toBe('undecided')
    expect(checkLinearizability(queueModel(), events, { budget })).toMatchObject({
      verdict: 'not-linearizable',
      failure: { partition: 'easy' },
    })
  })

  test('must be a whole number of 1 or more', () => {
    for (const budget of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => checkLinearizability(registerModel(), [], { budget })).toThrow(RangeError)
    }
    expect(CHECK_DEFAULTS).toEqual({ budget: 20_000_000 })
    expect(Object.isFrozen(CHECK_DEFAULTS)).toBe(true)
  })
})

describe('histories that cannot be judged', () => {
  const invoke: HistoryEvent = { type: 'invoke', op: 0, client: 'a', key: 'x', input: { op: 'read' } }
  test.each<[string, HistoryEvent[], number]>([
    ['operation 0 was already invoked', [invoke, invoke], 2],
    ['operation 7 ends but was not invoked before', [invoke, { type: 'fail', op: 7 }], 2],
    ['operation 0 already ended in ok', [invoke, { type: 'ok', op: 0, output: null }, { type: 'fail', op: 0 }], 3],
  ])('%s', (why, events, line) => {
    const judge = (): unknown => checkLinearizability(registerModel(), events, { lines: [1, 2, 3] })
    expect(judge).toThrow(HistoryOrderError)
    const error = { code: 'DSYS_HISTORY_ORDER', message: `line ${line}: ${why}`, line, outcome: 'not-applied' }
    expect(judge).toThrow(expect.objectContaining(error))
    expect(() => collectOperations(events)).toThrow(expect.objectContaining({ message: why, line: undefined }))
  })

  test.each<[string, string, unknown, unknown, string]>([
    ['register', 'an unknown operation', { op: 'cas', from: 1, to: 2 }, undefined, 'is one of read, write'],
    ['register', 'no object', 'read', undefined, 'no "op"'],
    ['register', 'a name of every object', { op: 'toString' }, undefined, 'no "op"'],
    ['register', 'a field too few', { op: 'write' }, null, 'has no "value"'],
    ['register', 'a field too many', { op: 'read', value: 1 }, null, '"value", which this operation does not have'],
    ['register', 'an output of a write', { op: 'write', value: 1 }, 1, 'null'],
    ['cas-register', 'neither true nor false', { op: 'cas', from: 1, to: 2 }, null, 'true or false'],
    ['key-value', 'no revision', { op: 'put', value: 1 }, {}, '{ revision }'],
    ['key-value', 'a revision of 0', { op: 'update', value: 1, revision: 0 }, null, 'a whole number of 1 or more'],
    ['key-value-map', 'created without an entry', { op: 'create', value: 1 }, { created: false }, 'actual'],
    ['list-append', 'no list', { op: 'read' }, 1, 'a list'],
    ['set', 'a set as an object', { op: 'read' }, {}, 'a list'],
    ['queue', 'an item that is not wrapped', { op: 'dequeue' }, 1, '{ value }'],
    ['lock', 'acquired without a fence', { op: 'acquire' }, { acquired: true }, 'fence'],
    ['lock-with-expiry', 'no fence', { op: 'release' }, undefined, 'has no "fence"'],
  ])('%s: %s', (name, _, input, output, why) => {
    const events = [
      { type: 'invoke', op: 4, client: 'a', key: 'x', input },
      ...(output === undefined ? [] : [{ type: 'ok', op: 4, output }]),
    ] as HistoryEvent[]
    const model = modelByName(name) as NonNullable<ReturnType<typeof modelByName>>
    const judge = (): unknown => checkLinearizability(model, events)
    expect(judge).toThrow(HistoryModelError)
    expect(judge).toThrow(expect.objectContaining({ code: 'DSYS_HISTORY_MODEL', operation: 4, retryable: false }))
    expect(judge).toThrow(why)
  })
})

describe('models', () => {
  test('are known by their names', () => {
    for (const name of MODEL_NAMES) expect(modelByName(name)?.name).toBe(name)
    expect(modelByName('toString')).toBeUndefined()
  })

  test('a model of your own needs only a name, a first state and a step', () => {
    const counter: Model<number, { add: number }, number> = {
      name: 'counter',
      init: () => 0,
      step: (state, { add }, output) => (output === undefined || output === state + add ? [state + add] : IMPOSSIBLE),
    }
    const add = (client: string, amount: number, output: number) => ok(client, { add: amount }, output)
    const good = history(together(add('a', 1, 3), add('b', 2, 2)))
    expect(checkLinearizability(counter, good).verdict).toBe('linearizable')
    const bad = history(together(add('a', 1, 1), add('b', 2, 2)))
    const { failure } = checkLinearizability(counter, bad)
    expect(failure?.text).toContain('operation 1 of b ({"add":2} → 2)')
    const late = history(inSequence(never('a', { add: 5 }), add('b', 1, 1), add('b', 1, 7)))
    expect(checkLinearizability(counter, late).verdict).toBe('linearizable')
  })
})

// The steps are the same on every machine, so they stand in for time.
describe('the work for long histories', () => {
  test.each([
    ['register', 10_000, 100, 0.05],
    ['key-value', 10_000, 100, 0.05],
    ['list-append', 10_000, 100, 0.05],
  ])('%s: %i operations over %i keys take a few steps each', (workload, operations, keys, unknownShare) => {
    const events = makeHistory({ workload, operations, keys, clients: 30, unknownShare, seed: 42 })
    const model = modelByName(workload) as NonNullable<ReturnType<typeof modelByName>>
    const result = checkLinearizability(model, events)
    expect(result).toMatchObject({ verdict: 'linearizable', operations })
    expect(result.steps).toBeLessThan(20 * operations)
  })
})

import {
  checkLinearizability,
  collectOperations,
  type HistoryEvent,
  type Json,
  modelByName,
} from '@dsys/linearizability'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SearchOperation } from '../src/core/event-list.ts'
import { Progress } from '../src/core/progress.ts'
import { isHopelessRegister } from '../src/models/register-zones.ts'
import { isLinearizable } from './brute-force.ts'
import { history, inSequence, type Moment, ok, type Step, together, unknown } from './events.ts'
import { SPECIFICATIONS, type Specification } from './specifications.ts'

const MANY = 24
const numbers = Array.from({ length: MANY }, (_, index) => index + 1)
const read = (output: Json) => ok('r', { op: 'read' }, output)
const allUnknown = (input: (value: number) => Json): Moment[] =>
  inSequence(...numbers.map((value) => unknown(`u${value}`, input(value))))
/** All at once, in the order of their numbers; they return in the other one. */
const nested = (step: (value: number) => Step): Moment[] => {
  const steps = numbers.map(step)
  return [...steps.map((one): Moment => [one, 'call']), ...steps.reverse().map((one): Moment => [one, 'end'])]
}

/** Without foresight each of them needs more steps than anybody has. */
const HISTORIES: readonly (readonly [model: string, what: string, verdict: boolean, history: HistoryEvent[]])[] = [
  [
    'register',
    'writes and reads at once, then a read that is out of date',
    false,
    history(
      inSequence(ok('a', { op: 'write', value: 0 })),
      together(
        ...numbers.map((value) => ok(`w${value}`, { op: 'write', value })),
        ...numbers.map((value) => ok(`r${value}`, { op: 'read' }, value)),
      ),
      inSequence(ok('a', { op: 'write', value: 100 }), read(5)),
    ),
  ],
  [
    'cas-register',
    'a read of what nobody wrote',
    false,
    history(
      allUnknown((value) => ({ op: 'cas', from: null, to: value })),
      allUnknown((value) => ({ op: 'cas', from: value, to: value + 1 })),
      inSequence(read(-1)),
    ),
  ],
  [
    'list-append',
    'appends of unknown outcome that nobody saw',
    false,
    history(
      allUnknown((value) => ({ op: 'append', value })),
      inSequence(read(numbers.map((value) => -value))),
    ),
  ],
  [
    'list-append',
    'appends at once in an order that only the last read tells',
    true,
    history(
      together(...numbers.map((value) => ok(`c${value}`, { op: 'append', value }))),
      inSequence(
        read(numbers.map((value) => ((value * 7) % MANY) + 1).filter((value, at, all) => all.indexOf(value) === at)),
      ),
    ),
  ],
  [
    'set',
    'changes of unknown outcome that nobody saw',
    false,
    history(
      allUnknown((value) => ({ op: 'add', value })),
      allUnknown((value) => ({ op: 'remove', value })),
      inSequence(ok('a', { op: 'add', value: 0 }), read([])),
    ),
  ],
  [
    'set',
    'an item that nobody added',
    false,
    history(
      allUnknown((value) => ({ op: 'add', value })),
      inSequence(read([...numbers, -1])),
    ),
  ],
  [
    'queue',
    'items of unknown outcome that nobody saw',
    false,
    history(
      inSequence(ok('a', { op: 'enqueue', value: 0 })),
      allUnknown((value) => ({ op: 'enqueue', value })),
      inSequence(ok('b', { op: 'dequeue' }, { value: 0 }), ok('b', { op: 'dequeue' }, { value: 0 })),
    ),
  ],
  [
    'queue',
    'an item that nobody enqueued',
    false,
    history(
      together(...numbers.map((value) => ok(`c${value}`, { op: 'enqueue', value }))),
      inSequence(ok('b', { op: 'dequeue' }, { value: -1 })),
    ),
  ],
  [
    'key-value',
    'puts of unknown outcome that nobody saw',
    false,
    history(
      inSequence(ok('a', { op: 'create', value: 0 }, { created: true, revision: 1 })),
      ...[0, 1, 2, 3, 4, 5, 6, 7].map((more) => allUnknown((value) => ({ op: 'put', value: value + more * 100 }))),
      inSequence(ok('b', { op: 'get' }, null)),
    ),
  ],
  [
    'key-value',
    'puts at once, then a get that is out of date',
    false,
    history(
      inSequence(ok('a', { op: 'put', value: 0 }, { revision: 1 })),
      nested((value) => ok(`c${value}`, { op: 'put', value }, { revision: 2 + ((value * 7) % MANY) * 2 })),
      inSequence(ok('b', { op: 'get' }, { value: 0, revision: 1 })),
    ),
  ],
  [
    'key-value',
    'puts of unknown outcome whose revisions were found later',
    true,
    history(
      allUnknown((value) => ({ op: 'put', value })),
      nested((value) => ok(`c${value}`, { op: 'get' }, { value, revision: 2 + ((value * 7) % MANY) * 2 })),
    ),
  ],
  [
    'key-value-map',
    'puts of unknown outcome where known ones leave no gap',
    false,
    history(
      allUnknown((value) => ({ op: 'put', value })),
      inSequence(...numbers.map((value) => ok('a', { op: 'put', value: -value }, { revision: value }))),
      inSequence(ok('a', { op: 'get' }, { value: 1, revision: 1 })),
    ),
  ],
]

describe('what all operations together tell', () => {
  test.each(HISTORIES)('%s: %s', (model, _what, isGood, events) => {
    const known = modelByName(model) as NonNullable<ReturnType<typeof modelByName>>
    const { verdict, failure, steps } = checkLinearizability(known, events, { budget: 20_000 })
    expect(verdict).toBe(isGood ? 'linearizable' : 'not-linearizable')
    expect(steps).toBeLessThan(20_000)
    if (!isGood) expect(failure).toMatchObject({ smallest: true, prefixEvents: events.length })
  })
})

/** Each has an order, which needs the operation of unknown outcome. */
const SEEN: readonly (readonly [model: string, steps: readonly Step[]])[] = [
  [
    'set',
    [
      ok('a', { op: 'add', value: 1 }),
      unknown('b', { op: 'remove', value: 1 }),
      ok('c', { op: 'has', value: 1 }, false),
    ],
  ],
  ['set', [ok('a', { op: 'add', value: 1 }), unknown('b', { op: 'remove', value: 1 }), read([])]],
  [
    'set',
    [
      ok('a', { op: 'add', value: 1 }),
      unknown('b', { op: 'remove', value: 1 }),
      ok('c', { op: 'remove', value: 1 }, false),
    ],
  ],
  [
    'set',
    [
      ok('a', { op: 'add', value: 1 }),
      unknown('b', { op: 'remove', value: 1 }),
      ok('c', { op: 'add', value: 1 }, true),
    ],
  ],
  ['set', [unknown('b', { op: 'add', value: 1 }), ok('c', { op: 'has', value: 1 }, true)]],
  ['set', [unknown('b', { op: 'add', value: 1 }), ok('c', { op: 'add', value: 1 }, false)]],
  ['set', [unknown('b', { op: 'add', value: 1 }), ok('c', { op: 'remove', value: 1 }, true)]],
  ['set', [unknown('b', { op: 'add', value: 1 }), read([1])]],
  ['register', [unknown('b', { op: 'write', value: 1 }), read(1)]],
  ['cas-register', [unknown('b', { op: 'write', value: 1 }), ok('c', { op: 'cas', from: null, to: 2 }, false)]],
  ['cas-register', [unknown('b', { op: 'write', value: 1 }), unknown('c', { op: 'cas', from: 1, to: 2 }), read(2)]],
  ['cas-register', [unknown('b', { op: 'write', value: 1 }), ok('c', { op: 'cas', from: 1, to: 2 }, true)]],
  ['list-append', [unknown('b', { op: 'append', value: 1 }), ok('c', { op: 'append', value: 2 }), read([1, 2])]],
  ['queue', [unknown('b', { op: 'enqueue', value: 1 }), ok('c', { op: 'dequeue' }, { value: 1 })]],
  ['queue', [ok('a', { op: 'enqueue', value: 1 }), unknown('b', { op: 'dequeue' }), ok('c', { op: 'dequeue' }, null)]],
  ['key-value', [unknown('b', { op: 'put', value: 1 }), ok('c', { op: 'delete' }, { deleted: true, revision: 5 })]],
  [
    'key-value',
    [unknown('b', { op: 'put', value: 1 }), ok('c', { op: 'delete', revision: 3 }, { deleted: true, revision: 5 })],
  ],
  [
    'key-value',
    [
      unknown('b', { op: 'put', value: 1 }),
      ok('c', { op: 'update', value: 2, revision: 3 }, { updated: true, revision: 5 }),
    ],
  ],
  [
    'key-value',
    [
      unknown('b', { op: 'put', value: 1 }),
      unknown('c', { op: 'update', value: 2, revision: 3 }),
      ok('d', { op: 'get' }, { value: 2, revision: 5, createRevision: 3 }),
    ],
  ],
  [
    'key-value',
    [ok('a', { op: 'put', value: 1 }, { revision: 1 }), unknown('b', { op: 'delete' }), ok('c', { op: 'get' }, null)],
  ],
]

describe('what somebody saw is not left out', () => {
  test.each(SEEN)('%s %j', (model, steps) => {
    const known = modelByName(model) as NonNullable<ReturnType<typeof modelByName>>
    expect(checkLinearizability(known, history(inSequence(...steps))).verdict).toBe('linearizable')
    const without = steps.map((step) =>
      step.end?.type === 'unknown' ? { ...step, end: { type: 'fail' as const } } : step,
    )
    expect(checkLinearizability(known, history(inSequence(...without))).verdict).toBe('not-linearizable')
  })
})

const register = SPECIFICATIONS.find(({ model }) => model.name === 'register') as Specification

test('a register that is written each value once is hopeless when it is not linearizable, and only then', () => {
  const kinds = { hopeless: 0, fine: 0 }
  const moments = fc.shuffledSubarray([...Array(14).keys()], { minLength: 14 })
  const plans = fc.array(fc.record({ read: fc.option(fc.nat(6), { nil: undefined }), isUnknown: fc.nat(5) }), {
    minLength: 2,
    maxLength: 7,
  })
  fc.assert(
    fc.property(plans, moments, (list, times) => {
      const events = list
        .flatMap(({ read: from, isUnknown }, op): [number, HistoryEvent][] => {
          const [a, b] = [times[2 * op] as number, times[2 * op + 1] as number]
          const input = from === undefined ? { op: 'write', value: op } : { op: 'read' }
          // Of a write that is in the list, or of the first value.
          const output = from !== undefined && list[from] !== undefined && list[from].read === undefined ? from : null
          const end: HistoryEvent =
            isUnknown === 0 ? { type: 'unknown', op } : { type: 'ok', op, output: from === undefined ? null : output }
          return [
            [Math.min(a, b), { type: 'invoke', op, client: `c${op}`, key: 'x', input }],
            [Math.max(a, b), end],
          ]
        })
        .sort(([a], [b]) => a - b)
        .map(([, event]) => event)
      const operations = collectOperations(events)
      const isHopeless = isHopelessRegister(operations as never, null, JSON.stringify)
      kinds[isHopeless ? 'hopeless' : 'fine'] += 1
      expect(isHopeless).toBe(!isLinearizable(register, operations))
    }),
    { numRuns: 300 },
  )
  expect(Math.min(...Object.values(kinds))).toBeGreaterThan(30)
})

test('a state is too far when it has passed an operation that remains', () => {
  const latest = fc.option(fc.nat(5), { nil: undefined })
  const choices = fc.array(fc.option(fc.nat(7), { nil: undefined }), { maxLength: 25 })
  fc.assert(
    fc.property(fc.array(latest, { minLength: 1, maxLength: 8 }), choices, (bounds, list) => {
      const known = bounds.map((bound): SearchOperation => ({ input: bound }) as unknown as SearchOperation)
      const progress = new Progress({ of: (state) => state as number, latest: (input) => input as number }, known)
      const done: number[] = []
      // A number takes an operation, none brings the latest one back.
      for (const choice of list) {
        const last = choice === undefined ? done.pop() : undefined
        if (last !== undefined) progress.undo(last)
        if (choice !== undefined && choice < known.length && !done.includes(choice)) {
          done.push(choice)
          progress.linearize(choice)
        }
        for (let state = 0; state < 7; state++) {
          for (let own = -1; own < known.length; own++) {
            if (done.includes(own)) continue
            const isPassed = bounds.some(
              (bound, at) => bound !== undefined && at !== own && !done.includes(at) && state > bound,
            )
            expect(progress.isFatal(state, own)).toBe(isPassed)
          }
        }
      }
    }),
    { numRuns: 30 },
  )
})

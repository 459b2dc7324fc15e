import { checkLinearizability, collectOperations, type HistoryEvent, type Json } from '@dsys/linearizability'
import { describe, expect, test } from 'vitest'
import { isLinearizable } from './brute-force.ts'
import { around, fail, history, inSequence, never, ok, type Step, together, unknown } from './events.ts'
import { SPECIFICATIONS, type Specification } from './specifications.ts'

type Case = readonly [name: string, history: HistoryEvent[]]
/** With the number of the operation whose end leaves no order. */
type BadCase = readonly [name: string, operation: number, history: HistoryEvent[]]

const read = (client: string, output: Json): Step => ok(client, { op: 'read' }, output)
const write = (client: string, value: Json): Step => ok(client, { op: 'write', value })
const cas = (client: string, from: Json, to: Json, output: boolean): Step => ok(client, { op: 'cas', from, to }, output)
const WRITE = { op: 'write', value: 1 }

const REGISTER_GOOD: readonly Case[] = [
  ['nothing at all', []],
  ['a read sees the write before it', history(inSequence(write('a', 1), read('b', 1)))],
  ['a read beside a write sees either', history(around(write('a', 1), ...inSequence(read('b', null), read('b', 1))))],
  ['an unknown write is seen late', history(inSequence(unknown('a', WRITE), read('b', null), read('b', 1)))],
  ['an unknown write is never seen', history(inSequence(unknown('a', WRITE), read('b', null)))],
  ['a write without an end is seen', history([...around(never('a', WRITE), ...inSequence(read('b', 1)))])],
  ['a failed write is not seen', history(inSequence(fail('a', WRITE), read('b', null)))],
  ['a value comes back', history(inSequence(write('a', 1), read('b', 1), write('a', 2), write('a', 1), read('b', 1)))],
  ['two writes at once in either order', history(together(write('a', 1), write('b', 2)), inSequence(read('c', 1)))],
]

const REGISTER_BAD: readonly BadCase[] = [
  ['a stale read', 1, history(inSequence(write('a', 1), read('b', null)))],
  ['a read of what nobody wrote', 1, history(inSequence(write('a', 1), read('b', 2)))],
  ['a read from the future', 0, history(inSequence(read('b', 1), write('a', 1)))],
  ['a failed write is seen', 1, history(inSequence(fail('a', WRITE), read('b', 1)))],
  ['a lost update', 2, history(inSequence(write('a', 1), write('b', 2), read('c', 1)))],
  [
    'an unknown write is undone',
    3,
    history(inSequence(unknown('a', WRITE), read('b', 1), write('c', 2), read('b', 1))),
  ],
  ['an unknown write before its call', 0, history(inSequence(read('b', 1), unknown('a', WRITE)))],
  [
    'two readers disagree about the order',
    4,
    history(together(write('a', 1), write('b', 2)), inSequence(read('c', 1), read('c', 1), read('d', 2))),
  ],
  ['a later read goes back', 2, history(around(write('a', 1), ...inSequence(read('b', 1), read('c', null))))],
]

const CAS_GOOD: readonly Case[] = [
  ...REGISTER_GOOD,
  ['a condition that held', history(inSequence(write('a', 1), cas('b', 1, 2, true), read('c', 2)))],
  ['a condition that did not', history(inSequence(write('a', 1), cas('b', 3, 2, false), read('c', 1)))],
  ['one of two wins', history(inSequence(write('a', 1)), together(cas('b', 1, 2, true), cas('c', 1, 3, false)))],
  ['an unknown change', history(inSequence(unknown('a', { op: 'cas', from: null, to: 7 }), read('b', 7)))],
]

const CAS_BAD: readonly BadCase[] = [
  ...REGISTER_BAD,
  ['both of two win', 2, history(inSequence(write('a', 1)), together(cas('b', 1, 2, true), cas('c', 1, 3, true)))],
  ['refused though the value is there', 1, history(inSequence(write('a', 1), cas('b', 1, 2, false)))],
  ['refused and changed', 2, history(inSequence(write('a', 1), cas('b', 3, 2, false), read('c', 2)))],
  [
    'an unknown change whose condition never held',
    1,
    history(inSequence(unknown('a', { op: 'cas', from: 5, to: 7 }), read('b', 7))),
  ],
]

const get = (client: string, output: Json, key = 'x'): Step => ok(client, { op: 'get' }, output, key)
const put = (client: string, value: Json, revision: number, key = 'x'): Step =>
  ok(client, { op: 'put', value }, { revision }, key)
const create = (client: string, value: Json, output: Json): Step => ok(client, { op: 'create', value }, output)
const update = (client: string, value: Json, revision: number, output: Json): Step =>
  ok(client, { op: 'update', value, revision }, output)
const remove = (client: string, output: Json): Step => ok(client, { op: 'delete' }, output)
const at = (value: Json, revision: number, createRevision?: number): Json =>
  createRevision === undefined ? { value, revision } : { value, revision, createRevision }

const KEY_VALUE_GOOD: readonly Case[] = [
  ['a put is read', history(inSequence(put('a', 1, 1), get('b', at(1, 1))))],
  [
    'a key is created once',
    history(
      together(create('a', 1, { created: true, revision: 1 }), create('b', 2, { created: false, actual: at(1, 1) })),
    ),
  ],
  [
    'an update, a delete and a new life',
    history(
      inSequence(
        create('a', 1, { created: true, revision: 1 }),
        update('b', 2, 1, { updated: true, revision: 2 }),
        get('c', at(2, 2, 1)),
        remove('a', { deleted: true, revision: 3 }),
        get('c', null),
        put('a', 3, 4),
        get('c', at(3, 4, 4)),
      ),
    ),
  ],
  [
    'an update that comes too late',
    history(inSequence(put('a', 1, 1), put('b', 2, 2), update('a', 3, 1, { updated: false, actual: at(2, 2) }))),
  ],
  [
    'an unknown put, seen with its revision',
    history(inSequence(unknown('a', { op: 'put', value: 1 }), get('b', at(1, 1)), put('b', 2, 2))),
  ],
]

const KEY_VALUE_BAD: readonly BadCase[] = [
  ['a stale read', 2, history(inSequence(put('a', 1, 1), put('b', 2, 2), get('c', at(1, 1))))],
  ['a value with the revision of another', 2, history(inSequence(put('a', 1, 1), put('b', 2, 2), get('c', at(1, 2))))],
  ['a revision goes back', 1, history(inSequence(put('a', 1, 2), put('b', 2, 1)))],
  ['two changes have one revision', 1, history(together(put('a', 1, 1), put('b', 2, 1)))],
  [
    'a read of a deleted key',
    2,
    history(inSequence(put('a', 1, 1), remove('b', { deleted: true, revision: 2 }), get('c', at(1, 1)))),
  ],
  [
    'a key is created twice',
    1,
    history(together(create('a', 1, { created: true, revision: 1 }), create('b', 2, { created: true, revision: 2 }))),
  ],
  [
    'a lost update: two upon one revision',
    2,
    history(
      inSequence(put('a', 1, 1)),
      together(update('b', 2, 1, { updated: true, revision: 2 }), update('c', 3, 1, { updated: true, revision: 3 })),
    ),
  ],
  [
    'refused though the revision is there',
    1,
    history(inSequence(put('a', 1, 1), update('b', 2, 1, { updated: false, actual: at(1, 1) }))),
  ],
  ['a failed put is seen', 1, history(inSequence(fail('a', { op: 'put', value: 1 }), get('b', at(1, 1))))],
  ['an acknowledged put is lost', 1, history(inSequence(put('a', 1, 1), get('b', null)))],
  ['the revision of creation changes', 2, history(inSequence(put('a', 1, 1), put('a', 2, 2), get('b', at(2, 2, 2))))],
]

const MAP_BAD: readonly BadCase[] = [
  ['two keys change at one revision', 1, history(inSequence(put('a', 1, 1, 'x'), put('a', 1, 1, 'y')))],
  ['a revision is left out', 1, history(inSequence(put('a', 1, 1, 'x'), put('a', 1, 3, 'y')))],
  [
    'keys contradict each other',
    3,
    history(
      inSequence(get('c', null, 'y')),
      around(put('a', 1, 1, 'x'), ...inSequence(put('b', 1, 2, 'y'), get('c', null, 'x'))),
    ),
  ],
]

const append = (client: string, value: Json): Step => ok(client, { op: 'append', value })
const LIST_GOOD: readonly Case[] = [
  ['appends in order', history(inSequence(append('a', 1), append('b', 2), read('c', [1, 2])))],
  ['appends at once', history(together(append('a', 1), append('b', 2)), inSequence(read('c', [2, 1])))],
  [
    'an unknown append is seen late',
    history(inSequence(unknown('a', { op: 'append', value: 1 }), append('b', 2), read('c', [2]), read('c', [2, 1]))),
  ],
]
const LIST_BAD: readonly BadCase[] = [
  ['a stale read', 1, history(inSequence(append('a', 1), read('b', [])))],
  ['in the wrong order', 2, history(inSequence(append('a', 1), append('b', 2), read('c', [2, 1])))],
  ['a lost append', 2, history(inSequence(append('a', 1), append('b', 2), read('c', [2])))],
  ['an append that was applied twice', 1, history(inSequence(append('a', 1), read('b', [1, 1])))],
  ['a failed append is seen', 1, history(inSequence(fail('a', { op: 'append', value: 1 }), read('b', [1])))],
  [
    'two readers disagree',
    3,
    history(together(append('a', 1), append('b', 2)), inSequence(read('c', [1, 2]), read('d', [2, 1]))),
  ],
]

const onSet = (client: string, op: string, value: Json, output: Json): Step => ok(client, { op, value }, output)
const SET_GOOD: readonly Case[] = [
  [
    'added and removed',
    history(
      inSequence(onSet('a', 'add', 1, true), onSet('b', 'has', 1, true), onSet('a', 'remove', 1, true), read('c', [])),
    ),
  ],
  [
    'a read in any order',
    history(inSequence(onSet('a', 'add', 1, null), onSet('a', 'add', 2, null), read('b', [2, 1]))),
  ],
  ['one of two adds it', history(together(onSet('a', 'add', 1, true), onSet('b', 'add', 1, false)))],
]
const SET_BAD: readonly BadCase[] = [
  ['both of two add it', 1, history(together(onSet('a', 'add', 1, true), onSet('b', 'add', 1, true)))],
  ['an item is lost', 1, history(inSequence(onSet('a', 'add', 1, true), read('b', [])))],
  [
    'a removed item is back',
    2,
    history(inSequence(onSet('a', 'add', 1, true), onSet('b', 'remove', 1, true), onSet('c', 'has', 1, true))),
  ],
  ['an item twice', 1, history(inSequence(onSet('a', 'add', 1, true), read('b', [1, 1])))],
  [
    'an item twice in place of another',
    2,
    history(inSequence(onSet('a', 'add', 1, true), onSet('a', 'add', 2, true), read('b', [1, 1]))),
  ],
]

const enqueue = (client: string, value: Json): Step => ok(client, { op: 'enqueue', value })
const dequeue = (client: string, value?: Json): Step =>
  ok(client, { op: 'dequeue' }, value === undefined ? null : { value })
const QUEUE_GOOD: readonly Case[] = [
  [
    'first in, first out',
    history(inSequence(enqueue('a', 1), enqueue('a', 2), dequeue('b', 1), dequeue('b', 2), dequeue('b'))),
  ],
  ['one value twice', history(inSequence(enqueue('a', 1), enqueue('a', 1), dequeue('b', 1), dequeue('b', 1)))],
  ['an unknown dequeue took it', history(inSequence(enqueue('a', 1), unknown('b', { op: 'dequeue' }), dequeue('c')))],
]
const QUEUE_BAD: readonly BadCase[] = [
  ['an item is dequeued twice', 2, history(inSequence(enqueue('a', 1), dequeue('b', 1), dequeue('c', 1)))],
  ['an item is lost', 1, history(inSequence(enqueue('a', 1), dequeue('b')))],
  ['out of order', 2, history(inSequence(enqueue('a', 1), enqueue('a', 2), dequeue('b', 2)))],
  ['an item before it was enqueued', 0, history(inSequence(dequeue('b', 1), enqueue('a', 1)))],
  ['a failed dequeue took it', 2, history(inSequence(enqueue('a', 1), fail('b', { op: 'dequeue' }), dequeue('c')))],
]

const acquire = (client: string, fence?: number): Step =>
  ok(client, { op: 'acquire' }, fence === undefined ? { acquired: false } : { acquired: true, fence })
const release = (client: string, fence: number, output = true): Step => ok(client, { op: 'release', fence }, output)
const holder = (client: string, fence?: number): Step =>
  ok(client, { op: 'holder' }, fence === undefined ? null : { fence })
const LOCK_GOOD: readonly Case[] = [
  ['one after the other', history(inSequence(acquire('a', 1), holder('b', 1), release('a', 1), acquire('b', 2)))],
  ['one of two', history(together(acquire('a', 5), acquire('b')))],
  ['an unknown acquire holds it', history(inSequence(unknown('a', { op: 'acquire' }), acquire('b'), holder('b', 3)))],
]
const EXPIRY_GOOD: readonly Case[] = [
  ...LOCK_GOOD,
  ['lost without a release', history(inSequence(acquire('a', 1), acquire('b', 2), release('a', 1, false)))],
]
const FENCE_BAD: readonly BadCase[] = [
  ['a fence goes back', 2, history(inSequence(acquire('a', 2), release('a', 2), acquire('b', 1)))],
  ['two holders have one fence', 2, history(inSequence(acquire('a', 1), release('a', 1), acquire('b', 1)))],
  ['released with the fence of another', 1, history(inSequence(acquire('a', 2), release('b', 1)))],
  ['a holder that never was', 1, history(inSequence(acquire('a', 1), holder('b', 7)))],
]
const LOCK_BAD: readonly BadCase[] = [
  ...FENCE_BAD,
  ['held twice', 1, history(inSequence(acquire('a', 1), acquire('b', 2)))],
  ['refused though it is free', 2, history(inSequence(acquire('a', 1), release('a', 1), acquire('b')))],
  ['free though it is held', 1, history(inSequence(acquire('a', 1), holder('b')))],
  ['a release of what is held is refused', 1, history(inSequence(acquire('a', 1), release('a', 1, false)))],
]

const CASES: Readonly<Record<string, readonly [good: readonly Case[], bad: readonly BadCase[]]>> = {
  register: [REGISTER_GOOD, REGISTER_BAD],
  'cas-register': [CAS_GOOD, CAS_BAD],
  'key-value': [KEY_VALUE_GOOD, KEY_VALUE_BAD],
  'key-value-map': [KEY_VALUE_GOOD, [...KEY_VALUE_BAD.filter(([name]) => name !== 'a revision goes back'), ...MAP_BAD]],
  'list-append': [LIST_GOOD, LIST_BAD],
  set: [SET_GOOD, SET_BAD],
  queue: [QUEUE_GOOD, QUEUE_BAD],
  lock: [LOCK_GOOD, LOCK_BAD],
  'lock-with-expiry': [EXPIRY_GOOD, FENCE_BAD],
}

describe.each(SPECIFICATIONS.map((one) => [one.model.name, one] as const))('%s', (name, specification) => {
  const [good, bad] = CASES[name] as (typeof CASES)[string]

  test.each(good)('good: %s', (_, events) => {
    expect(truthOf(specification, events)).toBe(true)
    expect(checkLinearizability(specification.model, events)).toMatchObject({
      verdict: 'linearizable',
      failure: undefined,
    })
  })

  test.each(bad)('bad: %s', (_, operation, events) => {
    expect(truthOf(specification, events)).toBe(false)
    const { verdict, failure } = checkLinearizability(specification.model, events)
    expect(verdict).toBe('not-linearizable')
    expect(failure?.smallest).toBe(true)
    expect(failure?.operation.op).toBe(operation)
    expect(events[(failure?.prefixEvents ?? 0) - 1]).toMatchObject({ op: operation })
  })
})

/** The cases themselves are judged by trying every order. */
const truthOf = (specification: Specification, events: HistoryEvent[]): boolean =>
  isLinearizable(specification, collectOperations(events))

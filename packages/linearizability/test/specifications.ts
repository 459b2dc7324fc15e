import { type AnyModel, type Json, modelByName } from '@dsys/linearizability'
import fc from 'fast-check'

/**
 * The models once more, for the tests: concrete states and no symbols, written down apart from those under test. Where the store picks
 * a number that an operation of unknown outcome kept to itself, every one is tried.
 */
export interface Specification {
  readonly model: AnyModel
  /** Whether all keys have one state. */
  readonly isWhole?: boolean
  readonly initial: unknown
  readonly inputs: fc.Arbitrary<Json>
  /** Outputs that may be wrong, in the form that the input asks for. */
  lies(input: Json): fc.Arbitrary<Json>
  /** One thing that a right implementation may do. */
  perform(state: unknown, input: Json, key: string): readonly [state: unknown, output: Json]
  /** Every state behind the operation; with an output, those in which it returned that. Numbers go up to `most`. */
  outcomes(state: unknown, input: Json, output: Json | undefined, call: { key: string; most: number }): unknown[]
}

type Fields = Readonly<Record<string, Json>>
type Result = readonly [state: unknown, output: Json]

export const same = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)

function canonical(value: unknown): string {
  if (value instanceof Map) return canonical(Object.fromEntries(value))
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${name}:${canonical((value as Fields)[name])}`).join()}}`
}

/** A specification in which each state and input have just one outcome. */
function deterministic(
  name: string,
  parts: Pick<Specification, 'initial' | 'inputs' | 'lies'> & {
    run(state: never, input: never, key: string): Result
    matches?(actual: Json, recorded: Json): boolean
    isWhole?: boolean
  },
): Specification {
  const perform = parts.run as Specification['perform']
  const matches = parts.matches ?? same
  return {
    ...parts,
    model: modelByName(name) as AnyModel,
    perform,
    outcomes: (state, input, output, { key }) => {
      const [next, actual] = perform(state, input, key)
      return output === undefined || matches(actual, output) ? [next] : []
    },
  }
}

const value = fc.integer({ min: 0, max: 2 })
const number = fc.integer({ min: 1, max: 4 })
const read = fc.constant({ op: 'read' } as Fields)
const withValue = (op: string): fc.Arbitrary<Fields> => value.map((one) => ({ op, value: one }))

const register = deterministic('register', {
  initial: null,
  inputs: fc.oneof(read, withValue('write')),
  lies: (input) => ((input as Fields)['op'] === 'read' ? value : fc.constant(null)),
  run: (state: Json, input: Fields): Result => (input['op'] === 'read' ? [state, state] : [input['value'], null]),
})

const casRegister = deterministic('cas-register', {
  initial: null,
  inputs: fc.oneof(
    read,
    withValue('write'),
    fc.tuple(value, value).map(([from, to]) => ({ op: 'cas', from, to })),
  ),
  lies: (input) => {
    const { op } = input as Fields
    return op === 'read' ? value : op === 'cas' ? fc.boolean() : fc.constant(null)
  },
  run: (state: Json, input: Fields): Result => {
    if (input['op'] === 'read') return [state, state]
    if (input['op'] === 'write') return [input['value'], null]
    return state === input['from'] ? [input['to'], true] : [state, false]
  },
})

const listAppend = deterministic('list-append', {
  initial: [],
  inputs: fc.oneof(read, withValue('append')),
  lies: (input) => ((input as Fields)['op'] === 'read' ? fc.array(value, { maxLength: 3 }) : fc.constant(null)),
  run: (state: Json[], input: Fields): Result =>
    input['op'] === 'read' ? [state, state] : [[...state, input['value'] as Json], null],
})

const set = deterministic('set', {
  initial: [],
  inputs: fc.oneof(read, withValue('add'), withValue('remove'), withValue('has')),
  lies: (input) =>
    (input as Fields)['op'] === 'read' ? fc.uniqueArray(value, { maxLength: 3 }) : (fc.boolean() as fc.Arbitrary<Json>),
  run: (state: number[], input: Fields): Result => {
    const item = input['value'] as number
    const isIn = state.includes(item)
    if (input['op'] === 'read') return [state, state]
    if (input['op'] === 'has') return [state, isIn]
    if (input['op'] === 'add') return [isIn ? state : [...state, item].sort(), !isIn]
    return [state.filter((one) => one !== item), isIn]
  },
  matches: (actual, recorded) =>
    recorded === null || same(Array.isArray(recorded) ? [...recorded].sort() : recorded, actual),
})

const queue = deterministic('queue', {
  initial: [],
  // Only what is dequeued can be wrong, so there is more of that.
  inputs: fc.oneof(withValue('enqueue'), { weight: 3, arbitrary: fc.constant({ op: 'dequeue' } as Fields) }),
  lies: (input) =>
    (input as Fields)['op'] === 'dequeue'
      ? fc.oneof(
          fc.constant(null),
          value.map((one) => ({ value: one })),
        )
      : fc.constant(null),
  run: (state: Json[], input: Fields): Result => {
    if (input['op'] === 'enqueue') return [[...state, input['value'] as Json], null]
    const [first, ...rest] = state
    return first === undefined ? [state, null] : [rest, { value: first }]
  },
})

const keyValueInputs = fc.oneof(
  fc.constant({ op: 'get' } as Fields),
  withValue('put'),
  withValue('create'),
  fc.tuple(value, number).map(([one, revision]) => ({ op: 'update', value: one, revision })),
  fc
    .option(number, { nil: undefined })
    .map((revision): Fields => (revision ? { op: 'delete', revision } : { op: 'delete' })),
)

const entry = fc.tuple(value, number).map(([one, revision]) => ({ value: one, revision }))

function keyValueLies(input: Json): fc.Arbitrary<Json> {
  const { op } = input as Fields
  if (op === 'get') return fc.option(entry, { nil: null })
  if (op === 'put') return number.map((revision) => ({ revision }))
  const done = DONE[op as string] as string
  return fc.oneof(
    number.map((revision) => ({ [done]: true, revision })),
    (op === 'create' ? entry : fc.option(entry, { nil: null })).map((actual) => ({ [done]: false, actual })),
  )
}

const DONE: Fields = { create: 'created', update: 'updated', delete: 'deleted' }

interface Entry {
  readonly value: Json
  readonly revision: number
  readonly createRevision: number
}

/** What a store does to one key whose next change has the revision `next`. */
function runKeyValue(
  actual: Entry | undefined,
  input: Fields,
  next: number,
): readonly [Entry | undefined, Json, boolean] {
  const op = input['op'] as string
  const found = actual === undefined ? null : { ...actual }
  if (op === 'get') return [actual, found, false]
  const allowed =
    op === 'put' ||
    (op === 'create' && actual === undefined) ||
    (op === 'update' && actual?.revision === input['revision']) ||
    (op === 'delete' && actual !== undefined && (input['revision'] ?? actual.revision) === actual.revision)
  if (!allowed) return [actual, { [DONE[op] as string]: false, actual: found }, false]
  const created = { value: input['value'] as Json, revision: next, createRevision: actual?.createRevision ?? next }
  const done = op === 'put' ? { revision: next } : { [DONE[op] as string]: true, revision: next }
  return [op === 'delete' ? undefined : created, done, true]
}

/** A recorded output may leave out what the store tells: `createRevision`, and that nothing was there. */
function sameKeyValue(actual: Json, recorded: Json): boolean {
  if (same(actual, recorded)) return true
  if (typeof actual !== 'object' || actual === null || typeof recorded !== 'object' || recorded === null) return false
  return same(strip(actual as Fields), recorded) || same(strip(actual as Fields), { actual: null, ...recorded })
}

function strip({ createRevision: _, ...rest }: Fields): Fields {
  const { actual } = rest
  return typeof actual === 'object' && actual !== null ? { ...rest, actual: strip(actual as Fields) } : rest
}

interface KeyOfStore {
  readonly last: number
  readonly entry: Entry | undefined
}

const kv: Specification = {
  model: modelByName('key-value') as AnyModel,
  initial: { last: 0, entry: undefined },
  inputs: keyValueInputs,
  lies: keyValueLies,
  perform: (state, input) => {
    const { last, entry: actual } = state as KeyOfStore
    const [next, output, changes] = runKeyValue(actual, input as Fields, last + 1)
    return [{ last: changes ? last + 1 : last, entry: next }, output]
  },
  outcomes: (state, input, output, { most }) => {
    const { last, entry: actual } = state as KeyOfStore
    const states: KeyOfStore[] = []
    for (let revision = last + 1; revision <= Math.max(most, last) + 1; revision++) {
      const [next, given, changes] = runKeyValue(actual, input as Fields, revision)
      if (output !== undefined && !sameKeyValue(given, output)) continue
      states.push({ last: changes ? revision : last, entry: next })
      if (!changes) break
    }
    return states
  },
}

interface WholeStore {
  readonly revision: number
  readonly entries: Readonly<Record<string, Entry>>
}

const kvMap = deterministic('key-value-map', {
  isWhole: true,
  initial: { revision: 0, entries: {} },
  inputs: keyValueInputs,
  lies: keyValueLies,
  run: ({ revision, entries }: WholeStore, input: Fields, key: string): Result => {
    const [next, output, changes] = runKeyValue(entries[key], input, revision + 1)
    const { [key]: _, ...others } = entries
    return [
      { revision: revision + (changes ? 1 : 0), entries: next === undefined ? others : { ...others, [key]: next } },
      output,
    ]
  },
  matches: sameKeyValue,
})

interface LockOfTest {
  readonly last: number
  readonly isHeld: boolean
}

function runLock({ last, isHeld }: LockOfTest, input: Fields, next: number): readonly [LockOfTest, Json, boolean] {
  if (input['op'] === 'holder') return [{ last, isHeld }, isHeld ? { fence: last } : null, false]
  if (input['op'] === 'release') {
    const done = isHeld && last === input['fence']
    return [{ last, isHeld: isHeld && !done }, done, false]
  }
  if (isHeld) return [{ last, isHeld }, { acquired: false }, false]
  return [{ last: next, isHeld: true }, { acquired: true, fence: next }, true]
}

const lockOf = (name: string, expires: boolean): Specification => ({
  model: modelByName(name) as AnyModel,
  initial: { last: 0, isHeld: false },
  inputs: fc.oneof(
    fc.constant({ op: 'acquire' } as Fields),
    number.map((fence) => ({ op: 'release', fence })),
    fc.constant({ op: 'holder' } as Fields),
  ),
  lies: (input) => {
    const { op } = input as Fields
    if (op === 'release') return fc.boolean()
    if (op === 'holder')
      return fc.option(
        number.map((fence) => ({ fence })),
        { nil: null },
      )
    return fc.oneof(
      number.map((fence) => ({ acquired: true, fence })),
      fc.constant({ acquired: false }),
    )
  },
  perform: (state, input) => {
    const [next, output] = runLock(state as LockOfTest, input as Fields, (state as LockOfTest).last + 1)
    return [next, output]
  },
  outcomes: (state, input, output, { most }) => {
    const before = state as LockOfTest
    const states: LockOfTest[] = []
    for (const start of expires && before.isHeld ? [before, { ...before, isHeld: false }] : [before]) {
      for (let fence = before.last + 1; fence <= Math.max(most, before.last) + 1; fence++) {
        const [next, given, usesFence] = runLock(start, input as Fields, fence)
        if (output === undefined || same(given, output)) states.push(next)
        if (!usesFence) break
      }
    }
    return states
  },
})

export const SPECIFICATIONS: readonly Specification[] = [
  register,
  casRegister,
  kv,
  kvMap,
  listAppend,
  set,
  queue,
  lockOf('lock', false),
  lockOf('lock-with-expiry', true),
]

import type {
  MicroOperation,
  TransactionEvent,
  TransactionKey,
  TransactionValue,
} from '../../src/transactions/history.ts'
import { TransactionRecorder } from '../../src/transactions/recorder.ts'

/** A small reproducible source of numbers (mulberry32). */
export function numbers(seed: number): (below: number) => number {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export interface Generation {
  readonly seed: number
  readonly model: 'list-append' | 'register'
  readonly transactions: number
  readonly processes: number
  readonly keys: number
  readonly operations: number
  /**
   * `serial`: a transaction runs at one moment between its invocation and its completion. `snapshot`: it reads at one moment and
   * writes at another, and fails if a key that it writes has changed between them. `dirty`: each of its operations runs at a moment of its
   * own, and a failed one leaves its writes. `stale`: like serial, but it may read an old state.
   */
  readonly store: 'serial' | 'snapshot' | 'dirty' | 'stale'
  /** In a hundred, how many fail, and of how many the outcome gets lost. */
  readonly fail?: number
  readonly lose?: number
}

type Data = Map<TransactionKey, readonly TransactionValue[]>

interface Running {
  readonly process: number
  readonly register: boolean
  readonly operations: MicroOperation[]
  readonly results: MicroOperation[]
  readonly pending: ReturnType<TransactionRecorder['invoke']>
  readonly fate: 'ok' | 'fail' | 'unknown'
  snapshot: Data | undefined
  applied: boolean
}

/** A history of clients of a store in memory that is right, or wrong in a way that is wanted. */
export function generate(options: Generation): TransactionEvent[] {
  const random = numbers(options.seed)
  const recorder = new TransactionRecorder()
  const running: Running[] = []
  const past: Data[] = [new Map()]
  let data: Data = new Map()
  let begun = 0
  let unique = 0
  const commit = (next: Data): void => {
    data = next
    past.push(next)
  }
  const begin = (process: number): void => {
    begun++
    const operations: MicroOperation[] = Array.from({ length: 1 + random(options.operations) }, () => {
      const key = `k${random(options.keys)}`
      if (random(2) === 0) return ['r', key]
      return [options.model === 'register' ? 'w' : 'append', key, ++unique]
    })
    const lot = random(100)
    const fate = lot < (options.fail ?? 0) ? 'fail' : lot < (options.fail ?? 0) + (options.lose ?? 0) ? 'unknown' : 'ok'
    const pending = recorder.invoke(process, operations)
    const register = options.model === 'register'
    running.push({ process, register, operations, results: [], pending, fate, snapshot: undefined, applied: false })
  }
  const finish = (one: Running, fate = one.fate): void => {
    running.splice(running.indexOf(one), 1)
    if (fate === 'ok') one.pending.ok(one.results)
    else one.pending[fate]()
  }
  const steps = { serial: serialStep, snapshot: snapshotStep, dirty: dirtyStep, stale: serialStep }
  while (begun < options.transactions || running.length > 0) {
    const process = random(options.processes)
    const one = running.find((candidate) => candidate.process === process)
    if (one === undefined) {
      if (begun < options.transactions) begin(process)
    } else if (one.applied) finish(one)
    else {
      const old = options.store === 'stale' && random(4) === 0 ? past[random(past.length)] : undefined
      const fate = steps[options.store](one, data, commit, old)
      if (fate !== undefined) finish(one, fate)
    }
  }
  return recorder.events()
}

/** Does one operation, and gives the state behind it. */
function run(one: Running, operation: MicroOperation, view: Data): Data {
  const [f, key, value] = operation
  const current = view.get(key) ?? []
  if (f === 'r') {
    one.results.push(['r', key, one.register ? current.at(-1) : current])
    return view
  }
  one.results.push(operation)
  return new Map(view).set(key, f === 'append' ? [...current, value] : [value])
}

type Step = (one: Running, data: Data, commit: (next: Data) => void, old?: Data) => 'fail' | undefined

const serialStep: Step = (one, data, commit, old) => {
  let view = old ?? data
  for (const operation of one.operations) view = run(one, operation, view)
  one.applied = true
  if (one.fate === 'fail') return undefined
  let next = data
  const scratch = { ...one, results: [] }
  for (const operation of one.operations) if (operation[0] !== 'r') next = run(scratch, operation, next)
  if (next !== data) commit(next)
  return undefined
}

const snapshotStep: Step = (one, data, commit) => {
  if (one.snapshot === undefined) {
    one.snapshot = data
    let view = data
    for (const operation of one.operations) view = run(one, operation, view)
    return undefined
  }
  one.applied = true
  const { snapshot } = one
  const writes = one.operations.filter(([f]) => f !== 'r')
  if (writes.some(([, key]) => snapshot.get(key) !== data.get(key))) return 'fail'
  if (one.fate !== 'fail' && writes.length > 0) {
    let next = data
    const scratch = { ...one, results: [] }
    for (const operation of writes) next = run(scratch, operation, next)
    commit(next)
  }
  return undefined
}

const dirtyStep: Step = (one, data, commit) => {
  const operation = one.operations[one.results.length] as MicroOperation
  const next = run(one, operation, data)
  if (next !== data) commit(next)
  one.applied = one.results.length === one.operations.length
  return undefined
}

/** The same history with one result of a read changed, or as it was where there is none. */
export function corrupt(events: readonly TransactionEvent[], seed: number): TransactionEvent[] {
  const random = numbers(seed)
  const places = events.flatMap(({ type, value }, at) =>
    type === 'ok' ? (value ?? []).flatMap(([f], i) => (f === 'r' ? [{ at, i }] : [])) : [],
  )
  if (places.length === 0) return [...events]
  const { at, i } = places[random(places.length)] as { at: number; i: number }
  const written = events.flatMap(({ value }) =>
    (value ?? []).flatMap(([f, , one]) => (f === 'r' ? [] : [one as number])),
  )
  const other = random(8) === 0 || written.length === 0 ? 999 : (written[random(written.length)] as number)
  const change = ([f, key, result]: MicroOperation): MicroOperation => {
    if (!Array.isArray(result)) return [f, key, random(3) === 0 ? undefined : other] as MicroOperation
    const list = result as number[]
    const changed = [
      list.slice(0, -1),
      list.slice(1),
      [...list].reverse(),
      [...list, ...list.slice(-1)],
      [...list, other],
    ]
    return [f, key, changed[random(changed.length)]] as MicroOperation
  }
  return events.map((event, place) =>
    place === at
      ? { ...event, value: event.value?.map((operation, j) => (j === i ? change(operation) : operation)) }
      : event,
  )
}

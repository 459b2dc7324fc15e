import { builtinModule, theProcess } from './real-world.ts'

/** A call to the time or the chance of the process, where a simulation has its own. */
export interface RealCall {
  /** As people write it: `Date.now()`. */
  readonly call: string
  /** What to use instead. */
  readonly instead: string
}

const TIME = '`node.clock.wallMs()` or `node.clock.monotonicMs()`'
const WAIT = '`node.clock.setTimer(delayMs, callback)`, or `delay` and `every` of @dsys/runtime'
const TURN = '`node.clock.afterIo(callback)`'
const CHANCE = '`node.random`'

/** Is told of each call, with the function that stands before it. */
export type Told = (call: RealCall, before: unknown) => void

type Patch = readonly [owner: object | undefined, name: string, call: RealCall]

function patches(): readonly Patch[] {
  const world = globalThis as unknown as Record<string, object | undefined>
  const timers = (owner: object | undefined, place: string): Patch[] => [
    [owner, 'setTimeout', { call: `${place}setTimeout()`, instead: WAIT }],
    [owner, 'setInterval', { call: `${place}setInterval()`, instead: WAIT }],
    [owner, 'setImmediate', { call: `${place}setImmediate()`, instead: TURN }],
  ]
  const chance = (owner: object | undefined, place: string, names: readonly string[]): Patch[] =>
    names.map((name) => [owner, name, { call: `${place}${name}()`, instead: CHANCE }])
  return [
    ...timers(world, ''),
    ...timers(builtinModule('node:timers'), ''),
    ...timers(builtinModule('node:timers/promises'), 'timers/promises '),
    ...chance(world['Math'], 'Math.', ['random']),
    ...chance(world['crypto'], 'crypto.', ['randomUUID', 'getRandomValues']),
    ...chance(builtinModule('node:crypto'), 'crypto.', [
      ...['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues'],
    ]),
    [world['performance'], 'now', { call: 'performance.now()', instead: TIME }],
    [Reflect.get(theProcess, 'hrtime'), 'bigint', { call: 'process.hrtime.bigint()', instead: TIME }],
    [theProcess, 'hrtime', { call: 'process.hrtime()', instead: TIME }],
  ]
}

/** Stands before every function that tells the time, waits in it or draws lots; the returned function ends that. */
export function standBefore(told: Told): () => void {
  const undo: (() => void)[] = []
  for (const [owner, name, call] of patches()) {
    if (owner === undefined) continue
    const original = Reflect.get(owner, name) as unknown
    if (isFunction(original)) undo.push(replace(owner, name, before(original, call, told)))
  }
  undo.push(replace(globalThis, 'Date', dateBefore(told)))
  syncNames()
  return () => {
    for (const end of undo.reverse()) end()
    syncNames()
  }
}

const isFunction = (value: unknown): value is (...args: never[]) => unknown => typeof value === 'function'

/** Also who has imported a function of Node.js by its name gets what stands before it. */
function syncNames(): void {
  const { syncBuiltinESMExports } = builtinModule('node:module') as { syncBuiltinESMExports(): void }
  syncBuiltinESMExports()
}

/** A proxy, so that everything else about the function stays: its name, and what `util.promisify` asks for. */
function before(original: (...args: never[]) => unknown, call: RealCall, told: Told): unknown {
  const proxy: unknown = new Proxy(original, {
    apply: (target, self, args) => {
      told(call, proxy)
      return Reflect.apply(target, self, args)
    },
  })
  return proxy
}

/** The class itself stays as it is, for those who have kept it, as test runners do. */
function dateBefore(told: Told): unknown {
  const original = globalThis.Date
  const originalNow = original.now
  const now = before(originalNow, { call: 'Date.now()', instead: TIME }, told)
  const proxy: unknown = new Proxy(original, {
    // Who has put another one there has a time of his own.
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return name === 'now' && value === originalNow ? now : value
    },
    apply: (target) => {
      told({ call: 'Date()', instead: TIME }, proxy)
      return Reflect.apply(target, undefined, [])
    },
    construct: (target, args, newTarget) => {
      if (args.length === 0) told({ call: 'new Date()', instead: TIME }, proxy)
      return Reflect.construct(target, args, newTarget === proxy ? target : newTarget) as object
    },
  })
  return proxy
}

/** Returns what puts back what was there, unless somebody else has put something there since. */
function replace(owner: object, name: string, replacement: unknown): () => void {
  const own = Reflect.getOwnPropertyDescriptor(owner, name)
  const enumerable = own?.enumerable ?? false
  const done = Reflect.defineProperty(owner, name, {
    value: replacement,
    writable: true,
    configurable: true,
    enumerable,
  })
  if (!done) return () => undefined
  return () => {
    if (Reflect.getOwnPropertyDescriptor(owner, name)?.value !== replacement) return
    if (own === undefined) Reflect.deleteProperty(owner, name)
    else Reflect.defineProperty(owner, name, own)
  }
}

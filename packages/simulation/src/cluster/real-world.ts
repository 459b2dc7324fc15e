/** What of the real world keeps a process waiting, by name, with how many there are of each. */
export type RealWorld = ReadonlyMap<string, number>

/** What every process has, or what the simulation itself uses between two steps. */
const IGNORED = new Set(['Immediate', 'MessagePort', 'TTYWrap', 'PipeWrap', 'SignalWrap', 'FSEvent', 'Worker'])

/** What this process waits for right now, outside of every simulation. */
export function realWorld(): RealWorld {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (!IGNORED.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** What came since `before`, for people: `2 Timeout, 1 TCPSocketWrap`; empty when nothing did. */
export function sinceThen(before: RealWorld): string {
  return [...realWorld()]
    .map(([name, count]) => ({ name, more: count - (before.get(name) ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ name, more }) => `${more} ${name}`)
    .join(', ')
}

/** Calls `callback` once no promise is ready any more, before anything else that waits gets its turn. */
export function afterMicrotasks(callback: () => void): void {
  process.nextTick(callback)
}

/** The module of Node.js of this name, as `require` gives it. */
export function builtinModule(name: string): object {
  return process.getBuiltinModule(name) as object
}

/** Calls `listener` with each rejection that nobody handles, until the returned function is called. */
export function onUnhandledRejection(listener: (reason: unknown, isAlone: boolean) => void): () => void {
  const listen = (reason: unknown): void => listener(reason, process.listenerCount('unhandledRejection') === 1)
  process.on('unhandledRejection', listen)
  return () => void process.off('unhandledRejection', listen)
}

/** The commit that a build of GitHub or GitLab is about. */
export function commitOfEnvironment(): string | undefined {
  return process.env['GITHUB_SHA'] ?? process.env['CI_COMMIT_SHA']
}

interface RealTimer {
  unref(): void
}

/** Calls `callback` after `ms` of real time, where the process lives so long for other reasons; the returned function calls it off. */
export function afterRealMs(ms: number, callback: () => void): () => void {
  // Not by the clock of @dsys/runtime, which keeps the process alive.
  const set = Reflect.get(globalThis, 'setTimeout') as (callback: () => void, ms: number) => RealTimer
  const clear = Reflect.get(globalThis, 'clearTimeout') as (timer: RealTimer) => void
  const timer = set(callback, ms)
  timer.unref()
  return () => clear(timer)
}

/** The `process` object, to stand before what it tells of time. */
export const theProcess: object = process

/** Warns as Node.js does of what it finds amiss: on stderr, unless whoever runs this process listens for `warning`. */
export function warn(message: string, code: string): void {
  process.emitWarning(message, { type: 'DsysWarning', code })
}

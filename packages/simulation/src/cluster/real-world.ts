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

import type { RunResult } from './scenario.ts'
import type { TraceEvent } from './trace.ts'

/** What two runs that should be the same are compared by. */
export type Compared = Pick<RunResult, 'hash' | 'steps' | 'counts'>

/** How two runs differ, in one line; undefined where hash, steps and counts are equal. */
export function runDifference(first: Compared, second: Compared): string | undefined {
  if (first.hash !== second.hash) return `the trace ${first.hash}, and then ${second.hash}`
  if (first.steps !== second.steps) return `${first.steps} steps, and then ${second.steps}, with the same trace`
  for (const name of new Set([...first.counts.keys(), ...second.counts.keys()])) {
    const [once, then] = [first.counts.get(name) ?? 0, second.counts.get(name) ?? 0]
    if (once !== then) return `"${name}" ${once} times, and then ${then} times, with the same trace`
  }
  return undefined
}

/**
 * The first place where two kept traces differ, in a few lines; undefined where they are equal as far as they were kept. A trace
 * that had to let go of its oldest events may hide the place.
 */
export function firstDifference(
  first: readonly TraceEvent[] | undefined,
  second: readonly TraceEvent[] | undefined,
): string | undefined {
  if (first === undefined || second === undefined) return undefined
  const length = Math.max(first.length, second.length)
  for (let i = 0; i < length; i++) {
    const [once, then] = [textOf(first[i]), textOf(second[i])]
    if (once === then) continue
    const before = i === 0 ? 'It is the first event of all.' : `The event before it, in both: ${textOf(first[i - 1])}`
    return `The first event that differs is number ${i + 1}.\n  the first time: ${once}\n  the second time: ${then}\n  ${before}`
  }
  return undefined
}

function textOf(event: TraceEvent | undefined): string {
  if (event === undefined) return 'nothing, for the run is over'
  const { atMs, node, what, peer, numbers, content, detail } = event
  const parts = [
    `${atMs} ms`,
    node === '' ? 'the world' : node,
    what,
    peer,
    numbers.join(' '),
    content === undefined ? '' : `content ${content.toString(16).padStart(8, '0')}`,
    (detail ?? '').replaceAll(/\s+/g, ' '),
  ]
  return parts.filter((part) => part !== '').join(', ')
}

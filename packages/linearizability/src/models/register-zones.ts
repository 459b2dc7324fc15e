import type { Json } from '../json.ts'
import type { Mark, RecordedOperation } from '../model.ts'
import type { CasRegisterInput } from './register.ts'

/** All that is about one value: when the first of it ended, and when the last of it was called. */
interface Zone {
  firstEnd: number
  lastCall: number
  /** When it was written; `undefined` before the write was found. */
  written: number | undefined
}

/**
 * Whether a register that is only read and written, each value once, cannot have had a history (Gibbons and Korach, "Testing Shared
 * Memories", 1997). From the first end of what is about a value to the last call of it, if that is later, the register had this value all
 * the time. So no two such times overlap, and nothing about another value lies within one.
 *
 * `false` says nothing. `markOf` gives each value a name.
 */
export function isHopelessRegister(
  operations: readonly RecordedOperation<CasRegisterInput, Json>[],
  initial: Json,
  markOf: (value: Json) => Mark,
): boolean {
  const zones = new Map<Mark, Zone>([[markOf(initial), { firstEnd: -1, lastCall: -1, written: -1 }]])
  const zoneOf = (value: Json): Zone => {
    const mark = markOf(value)
    const zone = zones.get(mark) ?? { firstEnd: Number.POSITIVE_INFINITY, lastCall: -1, written: undefined }
    zones.set(mark, zone)
    return zone
  }
  for (const { input, output, invokedAt, endedAt } of operations) {
    if (input.op === 'cas') return false
    if (input.op === 'read' && output === undefined) continue
    const zone = zoneOf(input.op === 'write' ? input.value : (output as Json))
    if (input.op === 'write') {
      if (zone.written !== undefined) return false
      zone.written = invokedAt
    }
    zone.lastCall = Math.max(zone.lastCall, invokedAt)
    if (output !== undefined) zone.firstEnd = Math.min(zone.firstEnd, endedAt)
  }
  return [...zones.values()].some(isReadTooEarly) || doClash([...zones.values()])
}

/** Read before it was written, or never written at all. */
const isReadTooEarly = ({ firstEnd, written }: Zone): boolean => firstEnd < (written ?? Number.POSITIVE_INFINITY)

/** Whether times at which the register had one value overlap, or have all that is about another value within them. */
function doClash(zones: readonly Zone[]): boolean {
  const held = zones.filter(({ firstEnd, lastCall }) => firstEnd < lastCall).sort((a, b) => a.firstEnd - b.firstEnd)
  if (held.some((zone, index) => zone.firstEnd < (held[index - 1]?.lastCall ?? -1))) return true
  const others = zones.filter(({ firstEnd, lastCall }) => firstEnd >= lastCall).sort((a, b) => a.lastCall - b.lastCall)
  let next = 0
  return held.some(({ firstEnd, lastCall }) => {
    while ((others[next]?.lastCall ?? Number.POSITIVE_INFINITY) < firstEnd) next += 1
    for (let place = next; (others[place]?.lastCall ?? Number.POSITIVE_INFINITY) < lastCall; place += 1) {
      if ((others[place] as Zone).firstEnd < lastCall) return true
    }
    return false
  })
}

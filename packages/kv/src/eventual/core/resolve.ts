import { compareDots } from './dot.ts'
import type { HybridTime, Version } from './object.ts'

/** What becomes of versions of which none replaces the other: all stay, or the last one. */
export type VersionPolicy = 'siblings' | 'lww'

/** The order of two times; none at all comes first. */
export function compareTimes(a: HybridTime | undefined, b: HybridTime | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  return a.wallMs - b.wallMs || a.logical - b.logical
}

/** The version with the greatest time, and of equal ones with the greatest dot: the same on every replica. */
export function lastWritten(versions: readonly Version[]): Version | undefined {
  let last: Version | undefined
  for (const version of versions) {
    if (last === undefined) last = version
    else {
      const order = compareTimes(version.time, last.time) || compareDots(version, last)
      if (order > 0) last = version
    }
  }
  return last
}

/** What the policy keeps of `versions`, and how many it discards: writes that nobody replaced, and that are lost. */
export function applyPolicy(
  policy: VersionPolicy,
  versions: readonly Version[],
): { kept: readonly Version[]; discarded: number } {
  if (policy === 'siblings' || versions.length < 2) return { kept: versions, discarded: 0 }
  return { kept: [lastWritten(versions) as Version], discarded: versions.length - 1 }
}

/**
 * The siblings as one value, joined by `merge` in the order of their dots; none where there are none. Where `merge` is commutative, associative and
 * idempotent, all replicas read the same.
 */
export function mergeSiblings<V>(
  versions: readonly Version[],
  decode: (value: Uint8Array) => V,
  merge: (a: V, b: V) => V,
): V | undefined {
  const [first, ...rest] = versions
  return first === undefined
    ? undefined
    : rest.reduce((all, { value }) => merge(all, decode(value)), decode(first.value))
}

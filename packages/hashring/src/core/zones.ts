/** How many nodes each zone gives to a list: `rounds` from every zone that has them, one more from `extra` of those with more. */
export interface ZoneQuota {
  readonly rounds: number
  readonly extra: number
}

/** Zones differ by at most one node until one of them has no more. */
export function zoneQuota(zoneSizes: readonly number[], wanted: number): ZoneQuota {
  let left = wanted
  for (let rounds = 0; ; rounds++) {
    let zonesLeft = 0
    for (const size of zoneSizes) if (size > rounds) zonesLeft += 1
    if (zonesLeft === 0 || left < zonesLeft) return { rounds, extra: zonesLeft === 0 ? 0 : left }
    left -= zonesLeft
  }
}

/** The same as bounds: each list has from `least` to `most` nodes of each zone, and in `extra` zones one more than the least. */
export interface ZoneRule {
  readonly least: Int32Array
  readonly most: Int32Array
  readonly extra: number
}

export function zoneRule(zoneSizes: readonly number[], wanted: number): ZoneRule {
  const { rounds, extra } = zoneQuota(zoneSizes, wanted)
  const least = Int32Array.from(zoneSizes, (size) => Math.min(size, rounds))
  const most = Int32Array.from(zoneSizes, (size) => Math.min(size, extra > 0 ? rounds + 1 : rounds))
  return { least, most, extra }
}

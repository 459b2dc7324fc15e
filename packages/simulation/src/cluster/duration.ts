/** A length of virtual time: `'250ms'`, `'10s'`, `'2m'`, `'1h'`, or milliseconds by name. */
export type Duration = `${number}ms` | `${number}s` | `${number}m` | `${number}h` | { readonly ms: number }

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/

/** In milliseconds. Throws RangeError for what is no length of time. */
export function millisecondsOf(duration: Duration): number {
  const ms = typeof duration === 'string' ? parse(duration) : duration.ms
  if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
    throw new RangeError(
      `a duration is '250ms', '10s', '2m', '1h' or { ms: 250 }, 0 or more; got ${JSON.stringify(duration)}`,
    )
  }
  return ms
}

function parse(text: string): number {
  const [, amount, unit] = PATTERN.exec(text) ?? []
  return Number(amount) * (UNITS[unit ?? ''] ?? Number.NaN)
}

/** 1234567 as 1,234,567. */
export function grouped(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** Real time as 12 s, 3:07 min or 1:02:03 h. */
export function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  const two = (value: number): string => String(value).padStart(2, '0')
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`
  return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} h`
}

/** Virtual time in hours, with as many digits as tell something. */
export function virtualHours(ms: number): string {
  const hours = ms / 3_600_000
  return hours >= 100 ? grouped(hours) : hours.toFixed(hours >= 1 ? 1 : 3)
}

/** Virtual hours in each minute of real time. */
export function hoursPerMinute(virtualMs: number, wallMs: number): number {
  return wallMs === 0 ? 0 : virtualMs / 3_600_000 / (wallMs / 60_000)
}

/** 1 seed, 2 seeds. */
export function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`
}

/** In how many runs something occurred that should be seldom. */
export function shareText({ name, runs, share, most }: ShareOfRuns): string {
  const percent = `${(100 * share).toFixed(1)} %`
  return `${name} in ${counted(runs, 'run')}, ${percent} of all; ${Math.round(100 * most)} % at the most is all right`
}

interface ShareOfRuns {
  readonly name: string
  readonly runs: number
  readonly share: number
  readonly most: number
}

/** The versions of the protocol that a node speaks, both ends included. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** What this code speaks. A version is raised where a node of the one before would misread a frame, and only there. */
export const PROTOCOL_VERSIONS: VersionRange = Object.freeze({ min: 2, max: 2 })

/** A version is one byte of a frame. */
export const MAX_VERSION = 255

/** The highest version that both speak; `undefined` where they have none in common. */
export function commonVersion(a: VersionRange, b: VersionRange): number | undefined {
  const highest = Math.min(a.max, b.max)
  return highest >= Math.max(a.min, b.min) ? highest : undefined
}

/** A range in words. */
export function describeVersions({ min, max }: VersionRange): string {
  return min === max ? `${min}` : `${min} to ${max}`
}

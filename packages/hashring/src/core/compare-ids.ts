/** Order by UTF-16 code units, the same on every machine and in every locale. */
export function compareIds(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return -1
  if (b === undefined) return 1
  return a < b ? -1 : 1
}

import type { TransactionKey, TransactionValue } from './history.ts'
import { type Analysis, nameOf, reportVersion, show } from './observations.ts'

/** A transaction that took effect, read a version of a key and wrote the same key. */
export interface Update {
  readonly node: number
  readonly read: TransactionValue | undefined
  readonly wrote: TransactionValue
}

/** Two transactions that both took effect and updated the same version: whichever came second did not see the first. */
export function reportLostUpdates(
  analysis: Analysis,
  key: TransactionKey,
  updates: readonly Update[],
  verb: string,
): void {
  const byVersion = new Map<TransactionValue | undefined, Update[]>()
  for (const update of updates) {
    const same = byVersion.get(update.read)
    if (same === undefined) byVersion.set(update.read, [update])
    else same.push(update)
  }
  for (const [version, same] of byVersion) {
    if (same.length < 2) continue
    const nodes = same.map(({ node }) => node)
    reportVersion(analysis, 'lost-update', key, nodes, () => {
      const names = nodes.map(nameOf)
      const all =
        names.length > 6 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(' and ')
      const what = version === undefined ? 'the initial state' : `the version that ends with ${show(version)}`
      return `${all} each read ${what} of ${show(key)} and ${verb} it. Whichever came later did not see the other.`
    })
  }
}

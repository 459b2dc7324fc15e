import type { LogEntry } from '@dsys/storage'
import { WitnessMismatchError } from '../errors.ts'
import { CONFIGURATION_KIND, isMember, isWitness } from './configuration.ts'
import type { PlacedConfiguration } from './configurations.ts'

/** The kind of an entry whose data was left out: only the log of a witness has such entries, and it has no others but configurations. */
export const STRIPPED_KIND = 255

const NO_DATA = new Uint8Array(0)

/** What a witness is sent of `entry`: where it stands, and its term. A configuration is sent whole, since a witness votes by it. */
export function stripped(entry: LogEntry): LogEntry {
  const { index, term, kind } = entry
  return kind === CONFIGURATION_KIND ? entry : { index, term, kind: STRIPPED_KIND, data: NO_DATA }
}

/** Throws WitnessMismatchError when `entries` have data where this node holds none, or none where it holds data. */
export function checkEntries(entries: readonly LogEntry[], witness: boolean): void {
  for (const { index, kind } of entries) {
    if (kind === CONFIGURATION_KIND || (kind === STRIPPED_KIND) === witness) continue
    const made = witness ? 'is made as a witness, and entry' : 'is made to hold data, and entry'
    throw new WitnessMismatchError(`this node ${made} ${index} comes ${witness ? 'with' : 'without'} data`)
  }
}

/** Throws WitnessMismatchError when the group takes the node for what it is not made as. */
export function checkRole({ index, configuration }: PlacedConfiguration, id: string, witness: boolean): void {
  if (!isMember(configuration, id) || isWitness(configuration, id) === witness) return
  const [made, taken] = witness ? ['as a witness', 'one with data'] : ['to hold data', 'a witness']
  throw new WitnessMismatchError(`this node is made ${made}, and is ${taken} by the configuration at ${index}`)
}

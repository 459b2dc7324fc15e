import type { Logger } from '@dsys/runtime'
import { crc32 } from '@dsys/runtime/bytes'
import type { GroupLog, LogEntry, LogStorage } from '@dsys/storage'
import {
  CONFIGURATION_KIND,
  type Configuration,
  isWitness,
  membersOf,
  simpleConfiguration,
} from './core/configuration.ts'
import { decodePlaced, encodeConfiguration } from './core/configuration-codec.ts'
import { Configurations } from './core/configurations.ts'
import { DataLossNotAcceptedError, NothingToRecoverError, WitnessError } from './errors.ts'
import { checkMembers } from './resolve-options.ts'

/** Far more than any configuration that a frame can carry; a frame is looked at again where the node starts. */
const MAX_CONFIGURATION_BYTES = 64 * 1_024

/**
 * How far above all known terms a recovery may begin. Nobody has voted in its term, so nothing but this keeps apart what is written in it on two
 * survivors, or beside a leader that still lives: one index and one term must be one entry (Raft §5.3).
 */
const TERM_SPREAD = 1_048_576

/** What {@link recover} works on: the started log storage of a node that does not run. */
export interface RecoverPorts {
  readonly log: LogStorage
  readonly logger?: Logger
}

/** Whom the group shall consist of from now on. */
export interface RecoverOptions {
  /** The node whose log it is. */
  readonly id: string
  readonly group: string
  /** The new voters, `id` among them: of the old ones those that are left. */
  readonly voters: readonly string[]
  /** Must be `true` for anything to be changed: entries that only lost disks have are given up. */
  readonly acceptDataLoss?: boolean
}

/** What {@link recover} did. */
export interface Recovery {
  /** The entry that holds the new configuration, the last of the log. */
  readonly index: number
  readonly term: number
  /** Who was of the group before. */
  readonly previousMembers: readonly string[]
  /**
   * Entries from here to the last before `index` may not have been committed by the old group: their proposers were perhaps told that the
   * outcome is unknown. From now on they are committed. Equals `index` where there are none.
   */
  readonly uncertainFromIndex: number
}

/**
 * Makes a group out of one survivor when a majority of its voters is lost for ever, and so no leader can be elected. Run it while
 * no node of the group runs, on the survivor whose log ends in the highest term, and among those at the highest index: without
 * `acceptDataLoss` it changes nothing and says where the log ends. It writes a configuration of `voters` behind the log, in a new term, as if
 * the old group had agreed; then start the nodes as ever.
 *
 * Not guaranteed: that everything that was acknowledged is there. An entry is lost that only lost disks and survivors with a shorter log
 * have not got here. And the lost nodes must never run again with their old disks: they are a majority of the old group, and would
 * go on as that.
 *
 * @throws DataLossNotAcceptedError, NothingToRecoverError, WitnessError, RangeError, and what the log storage throws.
 */
export async function recover(ports: RecoverPorts, options: RecoverOptions): Promise<Recovery> {
  const { id, group, voters, acceptDataLoss = false } = options
  checkMembers({ voters, learners: [] }, MAX_CONFIGURATION_BYTES)
  if (!voters.includes(id)) throw new RangeError(`voters must include ${id}, whose log it is; got ${voters.join(', ')}`)
  // What a damaged log still has is what this node survives with: nobody is left to ask for the rest.
  await using log = await ports.log.openGroup(group, { salvage: true })
  const { last, snapshotIndex, configuration } = survey(log)
  const members = membersOf(configuration)
  if (members.length === 0) throw new NothingToRecoverError(group)
  if (isWitness(configuration, id)) throw new WitnessError(group, 'is nothing to recover from')
  if (!acceptDataLoss) throw new DataLossNotAcceptedError(group, members, last)
  const { abstention: _, ...hardState } = log.recovered.hardState
  const term = Math.max(last.term, hardState.term) + 1 + (crc32(Buffer.from(id)) % TERM_SPREAD)
  const data = encodeConfiguration(
    simpleConfiguration(
      voters,
      [],
      voters.filter((each) => isWitness(configuration, each)),
    ),
  )
  const entry: LogEntry = { index: last.index + 1, term, kind: CONFIGURATION_KIND, data }
  await log.persist({ hardState: { ...hardState, term, votedFor: id }, entries: [entry] })
  const recovery = { index: entry.index, term, previousMembers: members, uncertainFromIndex: snapshotIndex + 1 }
  ports.logger?.log('warn', 'a group was recovered from one survivor', { group, node: id, voters, ...recovery })
  return recovery
}

/** What stands in a log. */
export function survey({ recovered: { snapshot, entries } }: GroupLog): {
  readonly last: { readonly index: number; readonly term: number }
  readonly snapshotIndex: number
  readonly configuration: Configuration
} {
  const base =
    snapshot === undefined ? { index: 0, configuration: simpleConfiguration([]) } : decodePlaced(snapshot.context)
  const configurations = new Configurations(base)
  configurations.appended(entries)
  const { index, term } = entries.at(-1) ?? snapshot ?? { index: 0, term: 0 }
  return {
    last: { index, term },
    snapshotIndex: snapshot?.index ?? 0,
    configuration: configurations.current.configuration,
  }
}

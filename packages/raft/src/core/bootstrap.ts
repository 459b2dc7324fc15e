import { crc32 } from '@dsys/runtime/bytes'
import { CONFIGURATION_KIND, membersOf, simpleConfiguration } from './configuration.ts'
import { encodeConfiguration } from './configuration-codec.ts'
import { appendToLog, type CoreState } from './state.ts'

/** The first term is one of so many, by the voters. */
const FIRST_TERMS = 2 ** 20

/**
 * Makes a group of `voters`, of which this node is one: writes their configuration as the first entry. Returns false, with nothing
 * changed, where this node is of a group already, or has voted in one.
 */
export function bootstrap(state: CoreState, voters: readonly string[]): boolean {
  const { log, configurations, outbox, config } = state
  const isOfGroup = membersOf(configurations.current.configuration).length > 0
  if (state.term > 0 || log.lastIndex > 0 || isOfGroup) return false
  // In one order, whoever gives the list and wherever: the same entry for the same group.
  const data = encodeConfiguration(simpleConfiguration([...voters].sort()))
  // Another list gives another term, so two nodes that are given different ones by mistake have no entry that looks the same and is not.
  const term = 1 + (crc32(data) % FIRST_TERMS)
  // Nobody else may make another entry in that term: this node does not vote in it.
  state.term = term
  state.votedFor = config.id
  outbox.hardStateChanged()
  appendToLog(state, [{ index: 1, term, kind: CONFIGURATION_KIND, data }])
  return true
}

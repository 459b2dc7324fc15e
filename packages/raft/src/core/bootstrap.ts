import { CONFIGURATION_KIND, encodeConfiguration, membersOf, simpleConfiguration } from './configuration.ts'
import { appendToLog, type CoreState } from './state.ts'

/**
 * Makes a group of `voters`, of which this node is one: writes their configuration as the first entry. Returns false, with nothing
 * changed, where this node is of a group already, or has voted in one.
 */
export function bootstrap(state: CoreState, voters: readonly string[]): boolean {
  const { log, configurations, outbox, config } = state
  const isOfGroup = membersOf(configurations.current.configuration).length > 0
  if (state.term > 0 || log.lastIndex > 0 || isOfGroup) return false
  // The entry is one of term 1, so nobody else may make another in that term: this node does not vote in it.
  state.term = 1
  state.votedFor = config.id
  outbox.hardStateChanged()
  // In one order, whoever gives the list and wherever: the same entry for the same group.
  const data = encodeConfiguration(simpleConfiguration([...voters].sort()))
  appendToLog(state, [{ index: 1, term: 1, kind: CONFIGURATION_KIND, data }])
  return true
}

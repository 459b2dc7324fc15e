import type { LogEntry } from '@dsys/storage'
import {
  aimAt,
  CONFIGURATION_KIND,
  type Configuration,
  changesWitnesses,
  countsAsVoter,
  destinationOf,
  enterJoint,
  isJoint,
  isMember,
  isWitness,
  leaveJoint,
  type Membership,
  membersOf,
  sameMembership,
  withPins,
} from './configuration.ts'
import { encodeConfiguration } from './configuration-codec.ts'
import { hasNewPins, pinsOf } from './incarnations.ts'
import { Progress } from './progress.ts'
import { roundAcknowledged } from './reads.ts'
import { appendToLog, type CoreState, type Leadership } from './state.ts'
import { beginTransfer, handOver, heirOf } from './transfer.ts'

/** Why a reconfiguration was not begun. */
export type ReconfigureRefusal =
  | 'not-leader'
  | 'transferring'
  /** This leader has not committed an entry of its term yet, so it does not know which configuration holds (P-26). */
  | 'not-ready'
  /** Another change is on its way (P-27). */
  | 'in-progress'
  /** The group has changed since the caller has looked. */
  | 'outdated'
  /** The group is not what the caller takes it for. */
  | 'unexpected'
  /** A member would become a witness, or a witness a member with data. */
  | 'witness-role'

/** What became of a request. */
export type ReconfigureResult = 'begun' | 'reached' | ReconfigureRefusal

/** For so many election timeouts a leader still sends to a member that was removed, so that it learns of it. */
const FAREWELL_TIMEOUTS = 10

/**
 * Begins to bring the group to `target`; nothing is begun when it is there, or on its way, or when refused. The rest happens by itself, under whichever leader. Asking
 * again for what is reached or on its way changes nothing.
 */
export function reconfigure(
  state: CoreState,
  target: Membership,
  expected: Membership | undefined,
  basis: number | undefined,
): ReconfigureResult {
  const { leadership, configurations } = state
  if (leadership === undefined) return 'not-leader'
  if (leadership.transfer !== undefined) return 'transferring'
  if (state.commitIndex < leadership.termStartIndex) return 'not-ready'
  const { index, configuration } = configurations.current
  if (sameMembership(destinationOf(configuration), target)) return 'reached'
  // A request that comes late, or twice, must not undo what was done after it.
  if (basis !== undefined && index > basis) return 'outdated'
  if (index > state.commitIndex || isJoint(configuration)) return 'in-progress'
  if (expected !== undefined && !sameMembership(configuration, expected)) return 'unexpected'
  if (changesWitnesses(configuration, target)) return 'witness-role'
  propose(state, leadership, aimAt(configuration, target))
  return 'begun'
}

/** Takes the next step of a change that is on its way, when it can be taken. Called once a turn. */
export function continueReconfiguration(state: CoreState, leadership: Leadership): void {
  const { index, configuration } = state.configurations.current
  if (index > state.commitIndex || state.commitIndex < leadership.termStartIndex) return
  if (leadership.transfer !== undefined) return
  const { target } = configuration
  if (isJoint(configuration)) propose(state, leadership, leaveJoint(configuration))
  else if (target?.voters.every((id) => isCaughtUp(state, leadership, id)) && hasHeir(state, leadership, target)) {
    propose(state, leadership, enterJoint(configuration, target))
  } else if (hasNewPins(state, leadership)) {
    propose(state, leadership, configuration)
  } else {
    const answering = sayFarewell(state, leadership, index)
    // The voter with the most of the log shall follow it (dissertation §4.2.2; P-10).
    if (!answering && !countsAsVoter(configuration, state.config.id)) leaveLead(state, leadership, configuration)
  }
}

/**
 * This leader is no voter any more. Where there are witnesses it leaves only once its heir has all that one of them may have: a witness
 * with more of the log than every voter with data votes for none of them.
 */
function leaveLead(state: CoreState, leadership: Leadership, { witnesses }: Configuration): void {
  if (witnesses === undefined) {
    handOver(state, leadership, 'it was removed from the voters')
    return
  }
  const heir = heirOf(state, leadership)
  if (heir !== undefined) beginTransfer(state, heir)
}

/** Whether a node has the log but for what came within the last election timeout (dissertation §4.2.1). */
function isCaughtUp(state: CoreState, leadership: Leadership, id: string): boolean {
  if (countsAsVoter(state.configurations.current.configuration, id)) return true
  const { nowMs, log, config } = state
  return leadership.progress.get(id)?.isCaughtUp(nowMs, log.lastIndex, config.electionTimeoutMs) === true
}

/** Whether somebody with data is left to lead where witnesses might be a majority: this leader, or a voter that answers and has caught up. */
export function hasHeir({ nowMs, log, config }: CoreState, { progress }: Leadership, target: Membership): boolean {
  if (target.witnesses === undefined || target.voters.includes(config.id)) return true
  const withData = target.voters.filter((id) => !isWitness(target, id))
  return withData.some((id) => progress.get(id)?.isCaughtUp(nowMs, log.lastIndex, config.electionTimeoutMs) === true)
}

function propose(state: CoreState, leadership: Leadership, configuration: Configuration): void {
  const { log, term } = state
  const before = state.configurations.current.configuration
  // Whoever counts from now on is pinned in the incarnation that has answered.
  const data = encodeConfiguration(withPins(configuration, pinsOf(state, leadership)))
  const entry: LogEntry = { index: log.lastIndex + 1, term, kind: CONFIGURATION_KIND, data }
  appendToLog(state, [entry])
  followMembers(state, leadership, before)
  roundAcknowledged(state, leadership)
}

/**
 * Begins to send to whoever is new, from the entry on that says so. Those who leave are sent to until they know it: {@link sayFarewell}. Of one
 * who comes back before that nothing is known: its disk may be another.
 */
function followMembers(state: CoreState, { progress }: Leadership, before: Configuration): void {
  const { configuration } = state.configurations.current
  for (const id of membersOf(configuration)) {
    if (id === state.config.id || (progress.has(id) && isMember(before, id))) continue
    progress.set(id, new Progress(state.log.lastIndex, state.nowMs, isWitness(configuration, id)))
  }
}

/**
 * The configuration at `index` is committed: those who are not in it need to know no more than that. Returns whether one of them answers
 * and has yet to learn it.
 */
function sayFarewell(state: CoreState, { progress }: Leadership, index: number): boolean {
  const members = membersOf(state.configurations.current.configuration)
  if (progress.size < members.length) return false
  const { electionTimeoutMs } = state.config
  let answering = false
  for (const [id, each] of progress) {
    if (members.includes(id)) continue
    each.leavesMs ??= state.nowMs + FAREWELL_TIMEOUTS * electionTimeoutMs
    if ((each.match >= index && each.sentCommit >= index) || state.nowMs >= each.leavesMs) {
      progress.delete(id)
      // Nobody knows of it any more that it was a witness, to which no data may go.
      state.snapshotWanted.delete(id)
    } else if (each.heardMs !== undefined && state.nowMs - each.heardMs <= electionTimeoutMs) answering = true
  }
  return answering
}

import type { Logger } from '@dsys/runtime'
import { CorruptionError, type GroupLog } from '@dsys/storage'
import type { RaftCore } from './core/raft-core.ts'
import type { RaftEvent } from './status.ts'

/**
 * What to tell of a log that has lost entries; nothing when it has not. Throws CorruptionError, before anything is changed, where
 * nobody can give them back: this node is the only voter that it knows of.
 */
export function damageOf(
  log: GroupLog,
  core: RaftCore,
  logger: Logger,
): (RaftEvent & { type: 'LogDamaged' }) | undefined {
  const { lost } = log.recovered
  if (lost === undefined) return undefined
  const { fromIndex, throughIndex, file, offset, what } = lost
  const { voters, outgoing } = core.configuration.configuration
  if (voters.length === 1 && outgoing.length === 0) {
    const hint =
      'Keep a copy of the directory. No other voter is known that could have the entries: restore a backup, ' +
      'or, where the log still names its members, call recover({ acceptDataLoss: true }) to go on without them.'
    throw new CorruptionError(file, offset, what, hint)
  }
  const damage = { fromIndex, throughIndex, file, offset }
  logger.log(
    'warn',
    'the log is damaged; what it has lost is taken from the peers, and this node abstains until then',
    {
      ...damage,
      what,
    },
  )
  return { type: 'LogDamaged', ...damage }
}

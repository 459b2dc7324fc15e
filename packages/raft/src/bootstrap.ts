import { type Clock, NotRunningError, Pending } from '@dsys/runtime'
import { membersOf } from './core/configuration.ts'
import type { RaftCore } from './core/raft-core.ts'
import { AlreadyBootstrappedError, OutcomeUnknownError, type RaftFailedError } from './errors.ts'
import type { CallOptions } from './options.ts'

const DEFAULT_TIMEOUT_MS = 5_000

/** What a group is begun with. */
export interface BootstrapParts {
  readonly id: string
  readonly group: string
  readonly clock: Clock
  readonly driver: {
    readonly core: RaftCore
    readonly ended: boolean
    readonly failure: RaftFailedError | undefined
    onTurn(handler: () => void): () => void
    wake(): void
  }
}

/** Begins a group of `voters` on this node. Resolves when that is durable; the node campaigns then. */
export async function bootstrapGroup(
  { id, group, clock, driver }: BootstrapParts,
  voters: readonly string[],
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: CallOptions,
): Promise<void> {
  const { core } = driver
  if (!voters.includes(id)) {
    throw new RangeError(`voters must include this node, ${id}, as it is to begin the group; got ${voters.join(', ')}`)
  }
  signal?.throwIfAborted()
  if (!core.bootstrap(voters)) {
    const { configuration } = core.configuration
    const facts = { voters: membersOf(configuration), term: core.term, lastIndex: core.log.lastIndex }
    throw new AlreadyBootstrappedError(group, facts)
  }
  const durable = new Pending<void>({
    clock,
    timeoutMs,
    signal,
    onTimeout: () => new OutcomeUnknownError(group, `its first entry was not on the disk within ${timeoutMs} ms`),
  })
  let campaigns = false
  const unwatch = driver.onTurn(() => {
    if (driver.failure !== undefined) durable.reject(driver.failure)
    else if (driver.ended) durable.reject(new NotRunningError(`the raft node ${id}`, 'stopped'))
    else if (core.durableIndex >= 1 && !campaigns) {
      campaigns = true
      core.campaign(clock.monotonicMs())
      driver.wake()
      durable.resolve()
    }
  })
  driver.wake()
  try {
    await durable.promise
  } finally {
    unwatch()
  }
}

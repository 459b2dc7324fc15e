import type {
  Explanation,
  Membership as GroupMembership,
  ReadOptions,
  ReconfigureOptions,
  ReconfigureTarget,
} from '@dsys/raft'
import { DsysError, delay, Lifecycle, type Service, type StartOptions } from '@dsys/runtime'
import type { NodeParts } from './parts.ts'
import type { GroupMembers, NodeStatus, Readiness } from './status.ts'

/** How long to wait between two attempts to catch up, in milliseconds. */
const CATCH_UP_PAUSE_MS = 50

const notReady = (reason: string): Readiness => ({ ready: false, reason })

/**
 * One node: log, transport, a Raft group with its keyspaces, and membership, started in this order. It stops by handing
 * leadership over, then leaving the cluster, then closing transport and log.
 *
 * It owns its parts. A part that somebody else has started or stopped already is left as it is, so the same parts may also
 * stand in a `NodeScope`.
 */
export class DsysNode implements Service {
  readonly #parts: NodeParts
  readonly #lifecycle: Lifecycle
  readonly #stopping = new AbortController()
  #startedMs: number | undefined
  #caughtUp = false
  #failure: string | undefined
  #catchingUp: Promise<void> | undefined

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.#lifecycle = new Lifecycle('the node', {
      start: ({ signal }) => this.#start(signal),
      stop: () => this.#stop(),
    })
  }

  /**
   * Starts every part. Resolves when this node takes part in the cluster, which may be before a leader is known: see
   * {@link DsysNode.readiness}.
   *
   * @throws whatever a part throws at its start, after all have been stopped again.
   */
  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Hands leadership over, leaves the cluster and stops every part, also when one of them fails to; then throws what failed. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /**
   * Whether this node should be sent work: it runs, its transport is connected, it knows a leader, and since its start it
   * has once applied all that was committed. A node that is not ready may still answer.
   */
  readiness(): Readiness {
    const { state } = this.#lifecycle
    if (state !== 'running') return notReady(`the node is ${state}`)
    if (this.#failure !== undefined) return notReady(this.#failure)
    const { connection } = this.#parts.transport
    if (connection !== 'connected') return notReady(`the transport is ${connection}`)
    const { leader, role } = this.#parts.raft.status()
    if (leader === undefined) return notReady(`no leader is known (this node is ${role})`)
    if (!this.#caughtUp) return notReady('the node has not caught up with the leader yet')
    return { ready: true }
  }

  /** How this node stands right now. Never waits for another node. */
  async status(): Promise<NodeStatus> {
    const { transport, membership, raft, kv, clock } = this.#parts
    const { state } = this.#lifecycle
    const keyspaces = state === 'running' && this.#failure === undefined ? await kv.statistics() : undefined
    return {
      ...transport.self,
      state,
      uptimeMs: this.#startedMs === undefined ? 0 : Math.round(clock.monotonicMs() - this.#startedMs),
      readiness: this.readiness(),
      connection: transport.connection,
      members: membership.members(),
      raft: raft.status(),
      keyspaces,
    }
  }

  /**
   * Why the group of this node does not go on, as far as this node knows: see `Raft.explain`.
   *
   * @throws NotRunningError before the Raft node was started.
   */
  explain(): Explanation {
    return this.#parts.raft.explain()
  }

  /**
   * Who decides in the Raft group, and the change of that which is on its way: with a linearizable read, which is the default, at a moment after
   * the call, and with `stale` as far as this node knows.
   *
   * @throws as `Raft.read` does.
   */
  groupMembers(options?: ReadOptions): Promise<GroupMembers> {
    const { raft } = this.#parts
    return raft.read(() => {
      const { voters, learners, witnesses, change } = raft.status()
      return { voters, learners, witnesses, change }
    }, options)
  }

  /**
   * Brings the Raft group to other members: see `Raft.reconfigure`. A node that is added runs already, without voters of its own; one that was
   * removed is stopped by whoever runs it.
   *
   * @throws as `Raft.reconfigure` does.
   */
  reconfigure(target: ReconfigureTarget, options?: ReconfigureOptions): Promise<GroupMembership> {
    return this.#parts.raft.reconfigure(target, options)
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { transport, log, membership, raft, clock, logger } = this.#parts
    this.#startedMs = clock.monotonicMs()
    // The log first: it locks the folder, so a second process on it ends before it meets the cluster.
    for (const part of [log, transport, raft, membership]) {
      signal.throwIfAborted()
      await part.start({ signal })
    }
    this.#catchingUp = this.#catchUp()
    logger.log('info', 'node started', { ...transport.self })
  }

  /** One linearizable read proves that all that was committed before it is applied here. */
  async #catchUp(): Promise<void> {
    const { raft, logger } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted && !this.#caughtUp && this.#failure === undefined) {
      try {
        await raft.read(() => undefined, { signal })
        this.#caughtUp = true
        logger.log('info', 'node caught up', { lastApplied: raft.status().lastApplied })
      } catch (error) {
        await this.#catchUpFailed(error, signal)
      }
    }
  }

  async #catchUpFailed(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts
    if (signal.aborted) return
    logger.log('debug', 'not caught up yet', { error })
    if (!(error instanceof DsysError) || !error.retryable) {
      this.#failure = `the node cannot catch up: ${error instanceof Error ? error.message : String(error)}`
      logger.log('error', this.#failure, { error })
      return
    }
    await delay(clock, CATCH_UP_PAUSE_MS, signal).catch((reason: unknown) => {
      if (!signal.aborted) throw reason
    })
  }

  async #stop(): Promise<void> {
    const { transport, log, membership, raft, logger } = this.#parts
    this.#stopping.abort(new DOMException('the node stops', 'AbortError'))
    const failures: unknown[] = []
    for (const part of [raft, membership, transport, log]) {
      try {
        await part.stop()
      } catch (error) {
        failures.push(error)
      }
    }
    await this.#catchingUp
    logger.log('info', 'node stopped', { ...transport.self })
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `stopping ${failures.length} parts of the node failed`)
  }
}

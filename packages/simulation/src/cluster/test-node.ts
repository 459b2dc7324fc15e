import type { Buggify, Clock, Logger, Meter, Random } from '@dsys/runtime'
import type { Disk, LogStorage, StateStorage } from '@dsys/storage'
import type { Transport } from '@dsys/transport'

/**
 * One life of a node of a {@link TestCluster}: the ports that its service may use, and nothing else. Transport, log and state
 * are started already, and stopped after the service.
 */
export interface TestNode {
  readonly id: string
  /** The ids of all nodes of the cluster. */
  readonly ids: readonly string[]
  /** Which life this is: 1 for the first, and one more after each restart. */
  readonly generation: number
  /** Virtual time, as the clock of this machine shows it. */
  readonly clock: Clock
  /** Chance from the seed; each life has its own. */
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
  readonly buggify: Buggify
  readonly transport: Transport
  /** The disk of this machine: a later life finds what was synced, and what a crash has left of the rest. */
  readonly disk: Disk
  /**
   * An earlier life of this node had another disk, which is lost with all that was acknowledged on it: see `TestCluster.restart`. A
   * service whose promises need what a node has stored refuses to start then.
   */
  readonly diskLost: boolean
  /** The log of `@dsys/storage-file`, on `disk`. */
  readonly log: LogStorage
  /** An ordered map that is durable. */
  readonly state: StateStorage
  /**
   * Aborted when this life is over in any way. Nothing inside of the simulation needs it: it is for a service that holds something of the
   * real world, and lets it go then.
   */
  readonly signal: AbortSignal
  /** The process ends itself, as by `process.exit`: nothing of it goes on. The node stays down until it is restarted. */
  exit(why: string): void
}

/**
 * What runs on a node: anything that can be stopped. By the hooks, all of them optional, it answers the questions that a
 * test has for the cluster.
 */
export interface TestService {
  /** Ends it gracefully. Default: `[Symbol.asyncDispose]`. */
  stop?(): Promise<void>
  [Symbol.asyncDispose]?(): PromiseLike<void>
  /** The id of the node that this one takes for the leader. */
  leader?(): string | undefined
  /**
   * What this node has come to; undefined while it is still busy. The cluster has converged when all nodes that run give
   * the same answer.
   */
  converged?(): string | number | undefined
  /** How it stands, for the message when something does not happen in time. */
  status?(): unknown
}

/** Makes the service of one life of a node, and starts it. */
export type StartService<S extends TestService> = (node: TestNode) => S | Promise<S>

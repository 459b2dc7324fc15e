import type { LinkKnobs } from '../network/links.ts'
import type { SimNetworkOptions } from '../network/sim-network.ts'
import type { CrashFate } from '../world.ts'
import type { Duration } from './duration.ts'
import type { StartService, TestService } from './test-node.ts'

/** Options of {@link testCluster}. Only `nodes` has no default. */
export interface TestClusterOptions<S extends TestService> {
  /** How many nodes, called `n1`, `n2` and so on; or their ids. */
  readonly nodes: number | readonly string[]
  /** Decides everything that is left to chance: the same seed and the same calls give the same run. Default 1. */
  readonly seed?: number
  /** Makes and starts the service of each life of each node. Default: a member of a Raft group with its keyspaces. */
  readonly start?: StartService<S>
  /** How frames fare without any fault. Default: 0.5 to 1.5 ms under way, in order, none lost. */
  readonly link?: Partial<LinkKnobs>
  readonly network?: SimNetworkOptions
  /** Whether the rare paths that dsys and your service have named are taken on purpose. Default false. */
  readonly buggify?: boolean
  /** How long calls wait for what they wait for, in virtual time. Default 60 s. */
  readonly within?: Duration
  /** Whether everything that happens is kept, for `explain()`. Default true. */
  readonly keepTrace?: boolean
}

/** Options of every call that waits in virtual time. */
export interface WaitOptions {
  /** Default: `within` of the cluster. */
  readonly within?: Duration
}

/** Options of `TestCluster.restart`. */
export interface RestartOptions extends WaitOptions {
  /**
   * `lost`: the disk is replaced by an empty one first, whatever it held; a node that runs crashes over it. Default `kept`: a node
   * whose disk is lost stays down.
   */
  readonly disk?: CrashFate['disk']
}

/** Options of `TestCluster.chaos`. */
export interface ChaosOptions {
  /** How long. Default 30 s. */
  readonly lasting?: Duration
  /** Which kinds of faults: names of `FAULTS`. Default: all that can happen here and that a node survives with what it has stored. */
  readonly kinds?: readonly string[]
  /** The time between two faults, on average. Default 1 s. */
  readonly every?: Duration
  /** What a timeout of your service is like: faults last from a fraction of it to many times as long. Default 500 ms. */
  readonly pace?: Duration
}

/** What holds where a user says nothing. */
export const TEST_CLUSTER_DEFAULTS: {
  readonly seed: number
  readonly within: Duration
  readonly link: LinkKnobs
} = Object.freeze({
  seed: 1,
  within: '60s',
  link: Object.freeze({ delayMs: 1, tailRate: 0, tailMaxMs: 1_000, lossRate: 0, duplicateRate: 0, reorderRate: 0 }),
})

/** The ids of the nodes. Throws RangeError for what is no cluster. */
export function idsOf(nodes: number | readonly string[]): readonly string[] {
  if (typeof nodes === 'number') {
    if (!Number.isSafeInteger(nodes) || nodes < 1) {
      throw new RangeError(`nodes is how many nodes there are, a whole number from 1, or their ids; got ${nodes}`)
    }
    return Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
  }
  if (nodes.length === 0 || new Set(nodes).size < nodes.length) {
    throw new RangeError(`the ids of the nodes must be distinct, and at least one; got ${nodes.join(', ')}`)
  }
  return [...nodes]
}

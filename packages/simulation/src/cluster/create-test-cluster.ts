import type { ClusterHostParts } from './cluster-host.ts'
import { type KvService, startKv } from './kv-service.ts'
import { TestCluster } from './test-cluster.ts'
import { idsOf, seedOf, TEST_CLUSTER_DEFAULTS, type TestClusterOptions } from './test-cluster-options.ts'
import type { StartService, TestService } from './test-node.ts'

/**
 * A running cluster in this thread, in virtual time and from one seed: of your own service, or without `start` of a Raft
 * group with its keyspaces. It resolves when every node has started.
 *
 * @throws RangeError for an option out of its range, StartFailedError (`DSYS_SIMULATION_START_FAILED`), DeadlineError
 *   (`DSYS_SIMULATION_DEADLINE`) when a node does not start in time.
 */
export function testCluster(options: Omit<TestClusterOptions<KvService>, 'start'>): Promise<TestCluster<KvService>>
export function testCluster<S extends TestService>(
  options: TestClusterOptions<S> & { readonly start: StartService<S> },
): Promise<TestCluster<S>>
export async function testCluster(options: TestClusterOptions<TestService>): Promise<TestCluster<TestService>> {
  const parts: ClusterHostParts<TestService> = {
    ids: idsOf(options.nodes),
    seed: seedOf(options.seed),
    start: options.start ?? startKv,
    link: { ...TEST_CLUSTER_DEFAULTS.link, ...options.link },
    network: options.network ?? {},
    buggify: options.buggify ?? false,
    keepTrace: options.keepTrace ?? true,
    strict: options.strict ?? true,
    maxStepsAtOnce: options.maxStepsAtOnce,
  }
  const cluster = new TestCluster(parts, options.within)
  try {
    await cluster.restartAll()
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
  return cluster
}

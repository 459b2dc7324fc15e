import { explainHtml } from '../explain-html.ts'
import { firstDifference, runDifference } from '../run-difference.ts'
import type { RunResult } from '../scenario.ts'
import { testCluster } from './create-test-cluster.ts'
import { NotDeterministicError, SeedFailedError } from './errors.ts'
import type { KvService } from './kv-service.ts'
import { commitOfEnvironment } from './real-world.ts'
import type { TestCluster } from './test-cluster.ts'
import { seedOf, type TestClusterOptions } from './test-cluster-options.ts'
import type { StartService, TestService } from './test-node.ts'

/** Which seeds: these, or so many from `first` (default 1) on. */
export type Seeds = readonly number[] | { readonly count: number; readonly first?: number }

/** Options of {@link forSeeds}. */
export interface ForSeedsOptions<S extends TestService> extends Omit<TestClusterOptions<S>, 'seed'> {
  /** What the code was, for the message. Default: what the environment of the process says in CI (GitHub, GitLab), else nothing. */
  readonly commit?: string
  /** Is given the page of `explainHtml` for a seed that fails, to write it where you look for it. Default: there is none. */
  readonly page?: (html: string, seed: number) => void | Promise<void>
}

/** What is done to a cluster. */
export type ClusterBody<S extends TestService> = (cluster: TestCluster<S>) => void | Promise<void>

/**
 * Runs `body` on a new cluster for each seed, one after the other, and ends with the first that fails.
 *
 * @throws SeedFailedError (`DSYS_SIMULATION_SEED_FAILED`), which names the seed; its cause is what `body`, or the start of the cluster, has
 *   thrown. RangeError for what is no seed.
 */
export function forSeeds(
  seeds: Seeds,
  options: Omit<ForSeedsOptions<KvService>, 'start'>,
  body: ClusterBody<KvService>,
): Promise<void>
export function forSeeds<S extends TestService>(
  seeds: Seeds,
  options: ForSeedsOptions<S> & { readonly start: StartService<S> },
  body: ClusterBody<S>,
): Promise<void>
export async function forSeeds<S extends TestService>(
  seeds: Seeds,
  { commit = commitOfEnvironment(), page, ...options }: ForSeedsOptions<S>,
  body: ClusterBody<S>,
): Promise<void> {
  for (const seed of listOf(seeds)) {
    let result: RunResult | undefined
    try {
      await using cluster = await clusterOf({ ...options, seed })
      try {
        await body(cluster)
      } catch (error) {
        result = cluster.result()
        throw error
      }
    } catch (error) {
      if (result !== undefined && page !== undefined) {
        await page(explainHtml(result, { title: `Seed ${seed}: ${textOf(error)}` }), seed)
      }
      throw new SeedFailedError(seed, commit, error)
    }
  }
}

/**
 * Runs `body` twice on a cluster of the same seed, and compares all that happened: it differs where a service takes time, chance or an
 * order from anything but its node.
 *
 * @throws NotDeterministicError (`DSYS_SIMULATION_NOT_DETERMINISTIC`), which tells the first event that differs; and what `body` throws.
 */
export function sameTwice(
  options: Omit<TestClusterOptions<KvService>, 'start'>,
  body: ClusterBody<KvService>,
): Promise<void>
export function sameTwice<S extends TestService>(
  options: TestClusterOptions<S> & { readonly start: StartService<S> },
  body: ClusterBody<S>,
): Promise<void>
export async function sameTwice<S extends TestService>(
  options: TestClusterOptions<S>,
  body: ClusterBody<S>,
): Promise<void> {
  const run = async (): Promise<RunResult> => {
    await using cluster = await clusterOf({ ...options, keepTrace: true })
    await body(cluster)
    return cluster.result()
  }
  const [first, second] = [await run(), await run()]
  const difference = runDifference(first, second)
  if (difference === undefined) return
  throw new NotDeterministicError(seedOf(options.seed), difference, firstDifference(first.trace, second.trace))
}

/** The overloads of `testCluster` tell apart what is one case here: without `start`, `S` is a {@link KvService}. */
function clusterOf<S extends TestService>(options: TestClusterOptions<S>): Promise<TestCluster<S>> {
  return testCluster<S>(options as TestClusterOptions<S> & { readonly start: StartService<S> })
}

function listOf(seeds: Seeds): readonly number[] {
  if (!('count' in seeds)) {
    if (seeds.length === 0) throw new RangeError('forSeeds needs a seed at least, or it shows nothing')
    return seeds.map((seed) => seedOf(seed))
  }
  const { count, first = 1 } = seeds
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`count is a whole number from 1, got ${count}`)
  return Array.from({ length: count }, (_, i) => seedOf(first + i))
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

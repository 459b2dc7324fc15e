import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { whenFormed } from '../src/launcher/cluster-client.ts'
import { NodeProcess } from '../src/launcher/node-process.ts'
import { EXIT_SIDE_DOWN } from '../src/side-down.ts'
import { CuttableLinks } from './harness/cuttable-links.ts'
import { until } from './harness/until.ts'

const IDS = ['n1', 'n2', 'n3', 'n4', 'n5']
const [MINORITY, MAJORITY] = [IDS.slice(3), IDS.slice(0, 3)]
const STABLE_MS = 3_000
/** Until all of a side know whom it lost, nothing has changed for long enough, the lease has answered, and a node that goes down has stopped. */
const DECIDED_WITHIN_MS = 40_000

interface SplitBrainView {
  readonly state: string
  readonly counted: readonly string[]
  readonly lastDecision: {
    readonly outcome: string
    readonly split: { readonly unreachable: readonly string[] }
  } | null
}

/** Five real processes whose links can be cut. */
class Cluster implements AsyncDisposable {
  readonly links: CuttableLinks
  readonly #directory = mkdtempSync(join(tmpdir(), 'dsys-split-'))
  readonly #processes: ReadonlyMap<string, NodeProcess>

  private constructor(links: CuttableLinks, flags: readonly string[]) {
    this.links = links
    const common = ['--voters', IDS.join(','), '--http-port', '0', '--split-brain-stable-ms', String(STABLE_MS)]
    this.#processes = new Map(
      IDS.map((id) => {
        const directory = join(this.#directory, id)
        return [id, new NodeProcess({ id, directory, flags: [...common, ...links.flags(id), ...flags] })]
      }),
    )
  }

  /** Resolves once everybody counts everybody. */
  static async start(...flags: readonly string[]): Promise<Cluster> {
    const cluster = new Cluster(await CuttableLinks.open(IDS), flags)
    const processes = [...cluster.#processes.values()]
    await Promise.all(processes.map((process) => process.whenStarted()))
    await whenFormed(
      IDS.map((id) => cluster.url(id)),
      30_000,
    )
    for (const id of IDS) {
      const isWhole = async (): Promise<boolean> => {
        const { state, counted } = await cluster.splitBrain(id)
        return state === 'whole' && counted.join() === IDS.join()
      }
      await until(`${id} counts all`, isWhole, DECIDED_WITHIN_MS)
    }
    return cluster
  }

  process(id: string): NodeProcess {
    return this.#processes.get(id) as NodeProcess
  }

  url(id: string): string {
    return this.process(id).started?.http ?? ''
  }

  log(id: string): string {
    return readFileSync(this.process(id).logFile, 'utf8')
  }

  async splitBrain(id: string): Promise<SplitBrainView> {
    const response = await fetch(`${this.url(id)}/v1/cluster`)
    return ((await response.json()) as { readonly splitBrain: SplitBrainView }).splitBrain
  }

  /** Those of `ids` went on without `lost`, and say so. */
  async wentOn(ids: readonly string[], lost: readonly string[]): Promise<void> {
    for (const id of ids) {
      const survived = async (): Promise<boolean> => (await this.splitBrain(id)).lastDecision?.outcome === 'survive'
      await until(`${id} has decided to go on`, survived, DECIDED_WITHIN_MS)
      const { lastDecision } = await this.splitBrain(id)
      expect(lastDecision?.split.unreachable).toEqual(lost)
    }
    const written = await fetch(`${this.url(ids[0] as string)}/v1/kv/default/after`, { method: 'PUT', body: 'x' })
    expect(written.status).toBe(200)
  }

  /** The node has said to a client that its side does not go on. */
  async refuses(id: string): Promise<void> {
    const answer = await until(
      `${id} refuses`,
      async () => {
        const response = await fetch(`${this.url(id)}/v1/kv/default/k?consistency=stale`)
        return response.status === 503 && response
      },
      DECIDED_WITHIN_MS,
    )
    expect(await answer.json()).toMatchObject({ code: 'DSYS_HTTP_SIDE_DOWN', outcome: 'not-applied' })
  }

  /** Those of `ids` ended by themselves, said why, and how. */
  async wentDown(ids: readonly string[], why: string): Promise<void> {
    for (const id of ids) {
      await until(`${id} has ended`, () => !this.process(id).running, DECIDED_WITHIN_MS)
      expect(await this.process(id).ended).toEqual({ code: EXIT_SIDE_DOWN, signal: null })
      expect(this.log(id)).toContain('the cluster is split, and the side of this node does not go on')
      expect(this.log(id)).toContain(why)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill()))
    this.links[Symbol.dispose]()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

describe('five processes, two of which are cut off', () => {
  test.each([
    ['keep-majority', '2 of 5 members are here'],
    ['lease', 'it is not known who has the lease'],
  ])('with %s the two say so, end with their own exit code, and the others go on', async (strategy, why) => {
    await using cluster = await Cluster.start('--split-brain', strategy)
    cluster.links.split(MAJORITY, MINORITY)
    const refused = MINORITY.map((id) => cluster.refuses(id))
    await Promise.all([cluster.wentDown(MINORITY, why), cluster.wentOn(MAJORITY, MINORITY), ...refused])
    expect(MAJORITY.every((id) => cluster.process(id).running)).toBe(true)
  })
})

describe('five processes, two of which stand still until the others have decided (M-19)', () => {
  async function stopTwo(cluster: Cluster): Promise<void> {
    for (const id of MINORITY) cluster.process(id).signal('SIGSTOP')
    await cluster.wentOn(MAJORITY, MINORITY)
    for (const id of MINORITY) cluster.process(id).signal('SIGCONT')
  }

  test('with keep-majority they decide nothing by what they saw before, and belong to the cluster again', async () => {
    await using cluster = await Cluster.start('--split-brain', 'keep-majority')
    await stopTwo(cluster)
    for (const id of IDS) {
      const isWhole = async (): Promise<boolean> => (await cluster.splitBrain(id)).counted.join() === IDS.join()
      await until(`${id} counts all`, isWhole, DECIDED_WITHIN_MS)
    }
    for (const id of MINORITY) expect((await cluster.splitBrain(id)).lastDecision).toBe(null)
  })

  test('with lease they have lost their place meanwhile, and end', async () => {
    await using cluster = await Cluster.start('--split-brain', 'lease')
    await stopTwo(cluster)
    const beganMs = systemClock.monotonicMs()
    await cluster.wentDown(MINORITY, 'a later decision on who goes on has left this node out')
    expect(systemClock.monotonicMs() - beganMs).toBeGreaterThan(STABLE_MS)
    expect(MAJORITY.every((id) => cluster.process(id).running)).toBe(true)
  })
})

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askCluster, type ClusterView, whenFormed } from '../../src/launcher/cluster-client.ts'
import { type Ended, NodeProcess } from '../../src/launcher/node-process.ts'
import { until } from './until.ts'

/** Options of {@link TestCluster.start}. */
export interface TestClusterOptions {
  readonly nats: string
  /** Default 3. */
  readonly nodes?: number
  /** Those that the cluster begins with; the others are started by the test, and join. Default: all. */
  readonly voters?: readonly string[]
  /** Further flags of every node. */
  readonly flags?: readonly string[]
}

const STOP_TIMEOUT_MS = 30_000
const FORM_TIMEOUT_MS = 30_000
const LAST_LOG_LINES = 12

/** A cluster of real processes with a data folder of its own, in which each node keeps its HTTP port over restarts. */
export class TestCluster implements AsyncDisposable {
  readonly directory: string
  readonly ids: readonly string[]
  readonly #options: TestClusterOptions
  readonly #processes = new Map<string, NodeProcess>()
  readonly #ports = new Map<string, string>()
  #lastLogs = ''

  private constructor(options: TestClusterOptions) {
    this.#options = options
    this.directory = mkdtempSync(join(tmpdir(), 'dsys-e2e-'))
    this.ids = Array.from({ length: options.nodes ?? 3 }, (_, i) => `n${i + 1}`)
  }

  /** Starts all voters. Resolves once they agree on a leader and see each other. */
  static async start(options: TestClusterOptions): Promise<TestCluster> {
    const cluster = new TestCluster(options)
    try {
      await Promise.all((options.voters ?? cluster.ids).map((id) => cluster.startNode(id)))
      await cluster.formed()
      return cluster
    } catch (error) {
      const logs = cluster.logs()
      await cluster[Symbol.asyncDispose]()
      throw new Error(`the cluster did not start\n${logs}`, { cause: error })
    }
  }

  process(id: string): NodeProcess {
    const process = this.#processes.get(id)
    if (process === undefined) throw new Error(`there is no node ${id}`)
    return process
  }

  url(id: string): string {
    return this.process(id).started?.http ?? `http://127.0.0.1:${this.#ports.get(id)}`
  }

  keyUrl(id: string, key: string): string {
    return `${this.url(id)}/v1/kv/default/${key}`
  }

  get running(): readonly string[] {
    return this.ids.filter((id) => this.#processes.get(id)?.running === true)
  }

  /** Ends a node as a crash would, and takes its data folder away. Its log stays, for a failed test. */
  async loseDisk(id: string): Promise<void> {
    await this.kill(id)
    for (const name of readdirSync(join(this.directory, id))) {
      if (name !== 'node.log') rmSync(join(this.directory, id, name), { recursive: true })
    }
  }

  /** Starts a node that is new, was killed or was stopped. */
  async startNode(id: string, ...more: readonly string[]): Promise<void> {
    const voters = this.#options.voters ?? this.ids
    const flags = [
      '--voters',
      voters.join(','),
      ...(voters.includes(id) ? [] : ['--join']),
      '--nats',
      this.#options.nats,
      '--http-port',
      this.#ports.get(id) ?? '0',
    ]
    const process = new NodeProcess({
      id,
      directory: join(this.directory, id),
      flags: [...flags, ...(this.#options.flags ?? []), ...more],
    })
    this.#processes.set(id, process)
    const { http } = await process.whenStarted()
    this.#ports.set(id, new URL(http).port)
  }

  kill(...ids: readonly string[]): Promise<readonly Ended[]> {
    return Promise.all(ids.map((id) => this.process(id).kill()))
  }

  stopNode(id: string): Promise<Ended> {
    return this.process(id).stop(STOP_TIMEOUT_MS)
  }

  view(id: string): Promise<ClusterView | undefined> {
    return askCluster(this.url(id))
  }

  /** The views of the nodes that run, once all of them agree and are ready. */
  formed(): Promise<readonly ClusterView[]> {
    return whenFormed(
      this.running.map((id) => this.url(id)),
      FORM_TIMEOUT_MS,
    )
  }

  /** The leader that the nodes agree on, other than `not`. */
  leader(not?: string): Promise<string> {
    return until(`there is a leader${not === undefined ? '' : ` other than ${not}`}`, async () => {
      const views = await Promise.all(this.running.map((id) => this.view(id)))
      const leader = views.find((view) => view?.raft.role === 'leader')?.id
      return leader !== not && views.every((view) => view?.leader === leader) ? leader : undefined
    })
  }

  /** The last log lines of every node, for a failed test; also when the cluster is gone already. */
  logs(): string {
    return this.#lastLogs || this.#readLogs()
  }

  #readLogs(): string {
    return this.ids
      .map((id) => {
        const file = join(this.directory, id, 'node.log')
        const lines = (existsSync(file) ? readFileSync(file, 'utf8') : 'no log').trimEnd().split('\n')
        return `--- ${id}\n${lines.slice(-LAST_LOG_LINES).join('\n')}`
      })
      .join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill()))
    this.#lastLogs = this.#readLogs()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

import type { NodeScope } from '@dsys/di'
import { KV } from '@dsys/kv/di'
import { MEMBERSHIP } from '@dsys/membership/di'
import { NODE } from '@dsys/node/di'
import { RAFT } from '@dsys/raft/di'
import { type Logger, systemClock } from '@dsys/runtime'
import { bumpGeneration, nodeDisk } from '@dsys/storage-file'
import type { MemoryNetwork } from '@dsys/transport-memory'
import { compose } from './compose.ts'
import type { NodeConfig } from './config.ts'
import { HttpEdge } from './http/http-edge.ts'
import { PrometheusMeter } from './prometheus-meter.ts'

/** What a {@link RunningNode} may use. */
export interface RunningNodePorts {
  readonly logger: Logger
  /** Instead of what the configuration says: the network that the nodes of this process share. */
  readonly network?: MemoryNetwork
}

/** One node of the cluster with its HTTP edge, from its first to its last moment. */
export class RunningNode implements AsyncDisposable {
  readonly #config: NodeConfig
  readonly #ports: RunningNodePorts
  readonly #meter = new PrometheusMeter()
  readonly #edge: HttpEdge
  readonly #abortStart = new AbortController()
  #scope: NodeScope | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #url = ''
  #generation = 0

  constructor(config: NodeConfig, ports: RunningNodePorts) {
    this.#config = config
    this.#ports = ports
    const { httpHost: host, httpPort: port, httpNames: names, adminToken, drainTimeoutMs } = config
    this.#edge = new HttpEdge(
      { clock: systemClock, logger: ports.logger, metrics: this.#meter },
      { host, port, names, adminToken, drainTimeoutMs },
    )
  }

  /** Where HTTP listens. */
  get url(): string {
    return this.#url
  }

  get generation(): number {
    return this.#generation
  }

  /** Listens first, so that health can be asked for from the beginning; then starts the parts. A failed start stops all again. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Not ready; answers what is under way; hands leadership over; leaves the cluster; stops.
   * Idempotent; ends a start under way first.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Resolves with the reason when the node has stopped itself, and with `undefined` when it was stopped. */
  async failure(): Promise<Error | undefined> {
    if (this.#scope === undefined) return undefined
    for await (const event of this.#scope.get(RAFT).events()) if (event.type === 'Failed') return event.error
    return undefined
  }

  async #start(): Promise<void> {
    const { signal } = this.#abortStart
    const { logger, network } = this.#ports
    const meter = this.#meter
    try {
      this.#url = await this.#edge.start()
      this.#generation = await bumpGeneration(
        { disk: nodeDisk(this.#config.data), clock: systemClock },
        { directory: '' },
      )
      signal.throwIfAborted()
      const metadata = { http: this.#url }
      this.#scope = compose({ config: this.#config, logger, meter, generation: this.#generation, metadata, network })
      // Builds the parts in the order of the composition; a get() before would pull some of them forward.
      await this.#scope.start({ signal })
      const scope = this.#scope
      this.#edge.serve({ kv: scope.get(KV), membership: scope.get(MEMBERSHIP), node: scope.get(NODE) })
    } catch (error) {
      await this.#release()
      throw error
    }
  }

  async #stop(): Promise<void> {
    this.#abortStart.abort(new DOMException('the node was stopped while it started', 'AbortError'))
    // Whoever called start() is told of its failure; here only the end of it matters.
    await this.#starting?.then(undefined, () => undefined)
    await this.#release()
  }

  async #release(): Promise<void> {
    await this.#edge.drain()
    await this.#scope?.[Symbol.asyncDispose]()
  }
}

import type { NodeScope } from '@dsys/di'
import { KV } from '@dsys/kv/di'
import type { SplitBrainDecision } from '@dsys/membership'
import { MEMBERSHIP, SPLIT_BRAIN_RESOLVER } from '@dsys/membership/di'
import { NODE } from '@dsys/node/di'
import { RAFT } from '@dsys/raft/di'
import { type Logger, systemClock, type TimerHandle } from '@dsys/runtime'
import { bumpGeneration, nodeDisk } from '@dsys/storage-file'
import type { MemoryNetwork } from '@dsys/transport-memory'
import { compose } from './compose.ts'
import type { NodeConfig } from './config/settings.ts'
import { HttpEdge } from './http/http-edge.ts'
import { PrometheusMeter } from './prometheus-meter.ts'

/** What a {@link RunningNode} may use. */
export interface RunningNodePorts {
  readonly logger: Logger
  /** Instead of what the configuration says: the network that the nodes of this process share. */
  readonly network?: MemoryNetwork
}

/** Why a node has to end: its Raft member has failed, or its side of a split cluster does not go on. */
export type NodeFailure =
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'side-down'; readonly decision: SplitBrainDecision }

/**
 * For this part of the time in which nothing may change a node that goes down stays where it is, and answers that it does: who ends changes what the others of its side see, and they would have to
 * wait for a stable view anew.
 */
const LINGER_PART = 0.2

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
  readonly #down: Promise<NodeFailure>
  #linger: TimerHandle | undefined
  #goDown: (failure: NodeFailure) => void = () => undefined
  #url = ''
  #generation = 0

  constructor(config: NodeConfig, ports: RunningNodePorts) {
    this.#config = config
    this.#ports = ports
    this.#down = new Promise((resolve) => {
      this.#goDown = resolve
    })
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

  /** Resolves with the reason when the node has to end by itself, and with `undefined` when it was stopped. */
  failure(): Promise<NodeFailure | undefined> {
    return Promise.race([this.#raftFailure(), this.#down])
  }

  async #raftFailure(): Promise<NodeFailure | undefined> {
    if (this.#scope === undefined) return undefined
    for await (const event of this.#scope.get(RAFT).events())
      if (event.type === 'Failed') return { kind: 'failed', error: event.error }
    return undefined
  }

  #decided(decision: SplitBrainDecision): void {
    const { outcome, why } = decision
    const description = 'Verdicts of the split-brain resolver'
    this.#meter.counter('dsys_split_brain_verdicts', { description, labels: { outcome } }).add(1)
    if (outcome !== 'down') return
    this.#edge.goDown(why)
    const lingerMs = LINGER_PART * this.#config.splitBrainStableMs
    this.#linger = systemClock.setTimer(lingerMs, () => this.#goDown({ kind: 'side-down', decision }))
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
      const decided = (decision: SplitBrainDecision): void => this.#decided(decision)
      const splitBrain = { onDown: decided, onSurvive: decided }
      this.#scope = compose({
        config: this.#config,
        logger,
        meter,
        generation: this.#generation,
        metadata,
        network,
        splitBrain,
      })
      // Builds the parts in the order of the composition; a get() before would pull some of them forward.
      await this.#scope.start({ signal })
      const scope = this.#scope
      const hasResolver = this.#config.splitBrain !== 'off'
      const resolver = hasResolver ? { resolver: scope.get(SPLIT_BRAIN_RESOLVER) } : {}
      const [kv, membership, node] = [scope.get(KV), scope.get(MEMBERSHIP), scope.get(NODE)]
      this.#edge.serve({ kv, membership, node, ...resolver })
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
    this.#linger?.cancel()
    await this.#edge.drain()
    await this.#scope?.[Symbol.asyncDispose]()
  }
}

import type { Clock, Random } from '@dsys/runtime'
import { explainText } from '../explain-text.ts'
import type { ExplainOptions } from '../explain-time-line.ts'
import { drawFaults } from '../faults/draw-faults.ts'
import { FAULTS, leastNodes, Nemesis } from '../faults/nemesis.ts'
import type { RunResult } from '../scenario.ts'
import type { Trace } from '../trace.ts'
import { type CrashFate, FaultAtlas, type Restore } from '../world.ts'
import { ClusterHost, type ClusterHostParts } from './cluster-host.ts'
import { type Duration, millisecondsOf } from './duration.ts'
import { FaultImpossibleError, NobodyRunsError, NodeDownError, NodeLostError, SimulationEndedError } from './errors.ts'
import type { SimLife } from './life.ts'
import type { LogLine } from './log-book.ts'
import type { SimMachine } from './machine.ts'
import { realWorld, sinceThen } from './real-world.ts'
import type { Measurement } from './sim-meter.ts'
import { StepWatch } from './step-watch.ts'
import {
  type ChaosOptions,
  type ElectedOptions,
  type RestartOptions,
  TEST_CLUSTER_DEFAULTS,
  type WaitOptions,
} from './test-cluster-options.ts'
import type { TestService } from './test-node.ts'
import type { TrackedNetwork } from './tracked-network.ts'
import { type DeadlineReport, VirtualTime } from './virtual-time.ts'

/** Faults after which a node cannot go on as the one that it was. */
const BEYOND_REPAIR: readonly string[] = ['disk-lost', 'bit-flip']
/** So many nodes have a majority without one of them. */
const LEAST_TO_LOSE_ONE = 3
const SHOWN_LINES = 8

/**
 * A cluster in one thread, in virtual time and from one seed: see {@link testCluster}.
 *
 * Time stands still between two calls. It moves in `advance`, and in every call that waits for something; so a promise of a
 * service is awaited by `run`, and never by `await` alone.
 */
export class TestCluster<S extends TestService> implements AsyncDisposable {
  readonly ids: readonly string[]
  readonly seed: number
  readonly #host: ClusterHost<S>
  readonly #watch: StepWatch
  readonly #time: VirtualTime
  readonly #withinMs: number
  readonly #random: Random
  readonly #atlas: FaultAtlas
  readonly #nemesis: Nemesis
  readonly #pauses = new Map<string, { readonly life: SimLife; readonly resume: Restore }>()
  readonly #realWorld = realWorld()
  #ended = false

  /** Use {@link testCluster}. */
  constructor(parts: ClusterHostParts<S>, within: Duration = TEST_CLUSTER_DEFAULTS.within) {
    this.#host = new ClusterHost(parts)
    this.ids = parts.ids
    this.seed = parts.seed
    this.#withinMs = millisecondsOf(within)
    const { scheduler, world, trace, counts, random } = this.#host
    this.#random = random.stream('chaos')
    this.#watch = new StepWatch(scheduler, parts.strict)
    this.#time = new VirtualTime(scheduler, this.#watch, (stepped) => this.#report(stepped))
    this.#atlas = new FaultAtlas(Math.ceil(parts.ids.length / 2) - 1)
    this.#nemesis = new Nemesis({ scheduler, world, atlas: this.#atlas, trace, count: (what) => counts.add(what) })
    this.#watch.begin()
  }

  /** Milliseconds of virtual time since the beginning. */
  get nowMs(): number {
    return this.#time.nowMs
  }

  /** The clock of the one who looks on: to wait inside of `run`, for instance with `delay(cluster.clock, 500)`. */
  get clock(): Clock {
    return this.#time.clock
  }

  /** The ids of the nodes whose service has been started and runs, perhaps paused. */
  get running(): readonly string[] {
    return this.ids.filter((id) => this.#host.hosted(id).service !== undefined)
  }

  /** Everything that has happened. `trace.hash` is equal for equal seeds and calls. */
  get trace(): Trace {
    return this.#host.trace
  }

  /** How often each fault, fate of a frame and buggify point occurred. */
  get counts(): ReadonlyMap<string, number> {
    return this.#host.counts.byName
  }

  /** What the nodes have logged. */
  get logs(): readonly LogLine[] {
    return this.#host.logs.lines
  }

  /** The network, for every fault that it can have. `heal` ends those that were made through here. */
  get network(): TrackedNetwork {
    return this.#host.network
  }

  /** The machine of a node, for every fault that it can have: drift, clock jumps, a slow process, its disk. */
  node(id: string): SimMachine {
    return this.#host.world.node(id)
  }

  /** What the lives of a node have measured. */
  metrics(id: string): ReadonlyMap<string, Measurement> {
    return this.#host.hosted(id).meter.measurements
  }

  /** The service of a node. Throws NodeDownError (`DSYS_SIMULATION_NODE_DOWN`) where none runs. */
  service(id: string): S {
    const { service, state } = this.#host.hosted(id)
    if (service === undefined) throw new NodeDownError(id, state)
    return service
  }

  /** The node that most take for the leader, when it does so itself; asks the hooks of the services. */
  leader(): string | undefined {
    return this.#host.leader()
  }

  /**
   * Cuts both ways between the members of different groups, until `heal`. A node in no group keeps all its links. Throws
   * RangeError for less than two groups, which would cut nothing, and for a node in two of them.
   */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#assertGoesOn()
    const members = groups.flat()
    for (const id of members) this.node(id)
    if (groups.length < 2 || groups.some((group) => group.length === 0)) {
      throw new RangeError('a partition needs two groups or more, with a node in each')
    }
    const twice = members.find((id, i) => members.indexOf(id) < i)
    if (twice !== undefined) throw new RangeError(`${twice} is in two groups; a node that sees all is in none`)
    this.network.partition(groups)
  }

  /** Ends every fault of the network that was made by `partition` or through `network`. */
  heal(): void {
    this.network.heal()
  }

  /**
   * Crashes a node as a loss of power does, also in the middle of a step: nothing of it goes on. Of what its disk had not
   * synced any part is left, drawn from the seed, unless `fate` says otherwise. Where that says that its disk is lost, it does not
   * start any more, unless {@link TestCluster.restart} gives it an empty one.
   */
  crash(id: string, fate: Partial<CrashFate> = {}): void {
    this.#assertGoesOn()
    this.node(id).crash({ unsynced: 'drawn', disk: 'kept', ...fate })
    if (fate.disk === 'lost') this.#atlas.mourn(id)
  }

  /**
   * Starts a node that is down, and moves time until its service has started. Gives the service of one that runs.
   *
   * With `{ disk: 'lost' }` it starts on an empty disk, under the id that it had, and `TestNode.diskLost` tells its service. No promise
   * that rests on what a node has stored holds then. A Raft group knows its voters by their disks, so without a service of your own the node
   * soon ends itself (`DSYS_RAFT_IDENTITY_LOST` in `logs`), until another one was told `raft.reconfigure` without it, and then with it.
   *
   * @throws StartFailedError (`DSYS_SIMULATION_START_FAILED`), NodeDownError (`DSYS_SIMULATION_NODE_DOWN`) when it cannot start any
   *   more or crashed meanwhile, DeadlineError (`DSYS_SIMULATION_DEADLINE`).
   */
  async restart(id: string, options: RestartOptions = {}): Promise<S> {
    this.#assertGoesOn()
    if (options.disk === 'lost') {
      this.node(id).replaceDisk()
      this.#atlas.mourn(id)
    }
    await this.#restart([id], options)
    return this.service(id)
  }

  /** Starts every node that is down, as {@link TestCluster.restart} does. */
  async restartAll(options: WaitOptions = {}): Promise<void> {
    await this.#restart(this.ids, options)
  }

  async #restart(ids: readonly string[], options: WaitOptions): Promise<void> {
    this.#assertGoesOn()
    for (const id of ids) this.node(id).restart()
    const started = (id: string): boolean => this.#host.hosted(id).settled(this.node(id).life)
    await this.#until(`the start of ${ids.join(', ')}`, () => ids.every(started), options)
    for (const id of ids) {
      if (this.node(id).lost) throw new NodeLostError(id)
      this.#host.hosted(id).assertStarted()
    }
  }

  /**
   * The process that runs now does nothing until `resume`. What reaches it waits; after the pause its timers fire first. Where it
   * is paused by this already, nothing changes.
   *
   * @throws NodeDownError (`DSYS_SIMULATION_NODE_DOWN`) where none runs.
   */
  pause(id: string): void {
    this.#assertGoesOn()
    const { life } = this.node(id)
    if (life === undefined) throw new NodeDownError(id, this.#host.hosted(id).state)
    if (this.#pauses.get(id)?.life !== life) this.#pauses.set(id, { life, resume: this.node(id).pause() })
  }

  /** Ends `pause`. Does nothing to a process that was started since. */
  resume(id: string): void {
    this.#pauses.get(id)?.resume()
    this.#pauses.delete(id)
  }

  /** Moves virtual time. */
  async advance(duration: Duration): Promise<void> {
    this.#assertGoesOn()
    await this.#time.advance(millisecondsOf(duration))
  }

  /**
   * Moves virtual time until a promise is settled, and gives or throws what it does.
   *
   * @throws DeadlineError (`DSYS_SIMULATION_DEADLINE`).
   */
  async run<T>(work: Promise<T> | (() => Promise<T>), options: WaitOptions = {}): Promise<T> {
    this.#assertGoesOn()
    const promise = typeof work === 'function' ? work() : work
    return await this.#time.settled('the end of a call', promise, this.#within(options))
  }

  /**
   * Moves virtual time until `condition` holds; it is asked after each event.
   *
   * @param what is waited for, for the error.
   * @throws DeadlineError (`DSYS_SIMULATION_DEADLINE`).
   */
  async waitFor(what: string, condition: () => boolean, options: WaitOptions = {}): Promise<void> {
    this.#assertGoesOn()
    await this.#until(what, condition, options)
  }

  /**
   * Waits until the nodes agree on a leader, and returns its id. Right after a partition that is still the old one, on whichever side:
   * `elected({ not: old })` waits for another.
   *
   * @throws DeadlineError (`DSYS_SIMULATION_DEADLINE`), RangeError for a node in `not` that does not exist.
   */
  async elected({ not = [], ...options }: ElectedOptions = {}): Promise<string> {
    const unwanted: readonly string[] = typeof not === 'string' ? [not] : not
    for (const id of unwanted) this.node(id)
    let leader: string | undefined
    const known = (): boolean => {
      leader = this.leader()
      return leader !== undefined && !unwanted.includes(leader)
    }
    await this.waitFor(
      unwanted.length === 0 ? 'a leader' : `a leader that is not ${unwanted.join(', ')}`,
      known,
      options,
    )
    return leader as string
  }

  /**
   * Waits until all nodes that run have come to the same: asks the hooks of the services.
   *
   * @throws NodeDownError (`DSYS_SIMULATION_NODE_DOWN`) where none runs, DeadlineError (`DSYS_SIMULATION_DEADLINE`), TypeError where a
   *   service has no `converged`.
   */
  async converged(options: WaitOptions = {}): Promise<void> {
    this.#assertGoesOn()
    const { running } = this
    if (running.length === 0) throw new NobodyRunsError(this.ids)
    if (running.some((id) => this.service(id).converged === undefined)) {
      throw new TypeError('converged() asks the services, and one has no converged(): see TestService')
    }
    await this.waitFor(`the same state on ${running.join(', ')}`, () => this.#host.converged(), options)
  }

  /**
   * Faults of many kinds, drawn from the seed, for a while; then all of them end, and the nodes that ran before run again.
   * A client whose history is to be judged goes on meanwhile, as timers of `cluster.clock`.
   *
   * A node that a fault has damaged for good may be down afterwards.
   *
   * @throws FaultImpossibleError (`DSYS_SIMULATION_FAULT_IMPOSSIBLE`) for one of `kinds` that cannot happen in this cluster,
   *   RangeError for one that does not exist; otherwise as {@link TestCluster.restart}.
   */
  async chaos(options: ChaosOptions = {}): Promise<void> {
    this.#assertGoesOn()
    const { lasting = '30s', every = '1s', pace = '500ms' } = options
    const kinds = this.#kinds(options.kinds)
    const chaosMs = millisecondsOf(lasting)
    const [everyMs, paceMs] = [millisecondsOf(every), millisecondsOf(pace)]
    const [before, lostBefore] = [this.running, new Set(this.#atlas.lost)]
    this.#nemesis.schedule(drawFaults(this.#random, { kinds, nodes: this.ids.length, chaosMs, everyMs, paceMs }))
    await this.#time.advance(chaosMs)
    this.#nemesis.end()
    const damaged = (id: string): boolean => this.node(id).lost || (this.#atlas.lost.has(id) && !lostBefore.has(id))
    await this.#restart(
      before.filter((id) => !damaged(id)),
      {},
    )
  }

  #kinds(wanted: readonly string[] | undefined): readonly string[] {
    if (wanted === undefined) {
      return Object.keys(FAULTS).filter((kind) => !BEYOND_REPAIR.includes(kind) && !this.#impossible(kind))
    }
    if (wanted.length === 0) throw new RangeError('chaos needs a kind of fault at least')
    for (const kind of wanted) {
      if (!Object.hasOwn(FAULTS, kind)) {
        throw new RangeError(`there is no fault of the kind "${kind}"; there are ${Object.keys(FAULTS).join(', ')}`)
      }
      const why = this.#impossible(kind)
      if (why !== undefined) throw new FaultImpossibleError(kind, why)
    }
    return wanted
  }

  #impossible(kind: string): string | undefined {
    const nodes = this.ids.length
    const beyondRepair = BEYOND_REPAIR.includes(kind)
    const least = beyondRepair ? LEAST_TO_LOSE_ONE : leastNodes(kind)
    if (nodes < least) return `it needs ${least} nodes, and there are ${nodes}`
    const { full, lost } = this.#atlas
    if (!beyondRepair || !full || this.running.some((id) => lost.has(id))) return undefined
    return `the others must be a majority, and lost already: ${[...lost].join(', ')}`
  }

  /** What has happened, as text: a line for each event, a lane for each node. Needs `keepTrace`. */
  explain(options?: ExplainOptions): string {
    return explainText(this.result(), options)
  }

  /** What `explainText` and `explainHtml` take. */
  result(): RunResult {
    const { trace, scheduler } = this.#host
    const { hash, events } = trace
    return { hash, virtualMs: this.nowMs, steps: scheduler.steps, counts: this.counts, aimed: [], trace: events }
  }

  /**
   * Stops the service of one node, or of every node that runs, all at once, and what it ran on; each process ends then, and can be
   * restarted. It is graceful where `crash` is not. A service that is stopped by its own `stop()` leaves its process running.
   *
   * Throws what they throw. Does nothing to a node that is down.
   *
   * @throws DeadlineError (`DSYS_SIMULATION_DEADLINE`) when they do not stop in time.
   */
  async stop(id: string, options?: WaitOptions): Promise<void>
  async stop(options?: WaitOptions): Promise<void>
  async stop(target: string | WaitOptions = {}, more: WaitOptions = {}): Promise<void> {
    this.#assertGoesOn()
    const [ids, options] = typeof target === 'string' ? [[target], more] : [this.ids, target]
    const stops = ids.map((id) => this.#host.hosted(id)).map((hosted) => hosted.stop())
    const settled = Promise.allSettled(stops)
    const what = typeof target === 'string' ? `the end of the service of ${target}` : 'the end of every service'
    const results = await this.#time.settled(what, settled, this.#within(options))
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `stopping ${failures.length} nodes failed`)
  }

  /** Ends every process at once, as `kill -9` does, and never fails: what a test looks at is the call before. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
    this.#watch.end()
    this.#time.end()
    this.#host.end()
  }

  #assertGoesOn(): void {
    if (this.#ended) throw new SimulationEndedError()
  }

  #within({ within }: WaitOptions): number {
    return within === undefined ? this.#withinMs : millisecondsOf(within)
  }

  #until(what: string, condition: () => boolean, options: WaitOptions): Promise<void> {
    return this.#time.until(what, condition, this.#within(options))
  }

  #report(stepped: boolean): DeadlineReport {
    const { network, logs } = this
    const lines = logs.filter(({ level }) => level === 'warn' || level === 'error').slice(-SHOWN_LINES)
    const report = [
      ...this.ids.map((id) => `  ${id}: ${this.#host.hosted(id).describe()}`),
      ...network.faults.map((fault) => `  network: ${fault}`),
      ...lines.map(
        ({ atMs, node, level, message, fields }) =>
          `  ${atMs.toFixed(1)} ms, ${node}, ${level}: ${message}${causeOf(fields['error'])}`,
      ),
      `at ${this.nowMs.toFixed(1)} ms, trace ${this.trace.hash}: seed ${this.seed} and the same calls give the same again`,
    ]
    return { report: report.join('\n'), hint: hintOf(stepped, sinceThen(this.#realWorld)) }
  }
}

const causeOf = (error: unknown): string => (error instanceof Error ? ` (${error.message})` : '')

function hintOf(stepped: boolean, real: string): string {
  if (real !== '') {
    return (
      `The process waits for the real world (${real}), which does not move virtual time: a service under test takes ` +
      'time, chance, network and disk from the node that it is given, and nothing else.'
    )
  }
  if (!stepped) {
    return 'Nothing at all was due in virtual time: what is waited for waits for a promise that nobody settles, or for a node that is down.'
  }
  return 'Look at explain(), or give it more time by `within`; a majority must run and reach each other.'
}

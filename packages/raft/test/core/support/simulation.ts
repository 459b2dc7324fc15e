import { type Random, SeededRandom } from '@dsys/runtime'
import { RaftCore } from '../../../src/core/raft-core.ts'
import { Checker } from './checker.ts'
import { makeFault } from './faults.ts'
import { drawKnobs, type FixedKnobs, type Knobs } from './knobs.ts'
import { Schedule } from './schedule.ts'
import { SimDisk } from './sim-disk.ts'
import { SimNetwork } from './sim-network.ts'
import { type AimedMoment, type DriverBug, SimNode, type World } from './sim-node.ts'
import { Trace } from './trace.ts'

/** How to run a simulation. */
export interface SimulationOptions {
  readonly seed: number
  /** The core to run, where it is not the real one. */
  readonly makeCore?: typeof RaftCore
  readonly bug?: DriverBug
  /** Whether disks are looked at too, or only what the paper promises. Default true. */
  readonly direct?: boolean
  readonly fixed?: FixedKnobs
  readonly keepTrace?: boolean
}

/** What a run was like. */
export interface SimulationResult {
  readonly hash: string
  readonly simulatedMs: number
  readonly steps: number
  readonly commits: number
  /** How often each fault, message and branch occurred. */
  readonly counts: ReadonlyMap<string, number>
  readonly trace: readonly string[]
}

/** How much of the trace a failure shows. */
const LAST_LINES = 60

/** A run broke a rule. The message says how to see it again. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
  readonly rule: string
  readonly trace: readonly string[]

  constructor(seed: number, atMs: number, cause: unknown, trace: readonly string[]) {
    const what = cause instanceof Error ? cause.message : String(cause)
    super(
      `seed ${seed}, at ${atMs.toFixed(1)} ms: ${what}\n` +
        `replay it: SEEDS=${seed} npx vitest run --project unit packages/raft/test/core/simulation.test.ts` +
        trace
          .slice(-LAST_LINES)
          .map((line) => `\n  ${line}`)
          .join(''),
      { cause },
    )
    this.rule = cause instanceof Error && 'rule' in cause ? String(cause.rule) : 'invariant of the core'
    this.trace = trace
  }
}

/** Runs one cluster through one seed: chaos first, then everything is healed and it must make progress. */
export function simulate(options: SimulationOptions): SimulationResult {
  const run = new Run(options)
  try {
    run.chaos()
    run.recovery()
    return run.result()
  } catch (error) {
    throw new SimulationFailure(options.seed, run.schedule.nowMs, error, run.trace.lines ?? [])
  }
}

/** After healing, a leader commits something new within this many election timeouts ... */
const PROGRESS_TIMEOUTS = 10
/** ... and as many round trips and turns as it takes to bring what nobody has acknowledged to the others, one by one. */
const ROUND_TRIP_MS = 3
const TURNS_PER_ROUND_TRIP = 4
/** By then every node has what every other has. A lost word about a snapshot costs a few timeouts more. */
const CONVERGENCE_TIMEOUTS = 60

class Run {
  readonly schedule = new Schedule()
  readonly trace: Trace
  readonly #knobs: Knobs
  readonly #counts = new Map<string, number>()
  readonly #nodes: SimNode[] = []
  readonly #checker: Checker
  readonly #network: SimNetwork
  readonly #clients: Random
  readonly #faults: Random
  readonly #aims: Random
  #healed = false
  #nextValue = 0

  constructor({
    seed,
    makeCore = RaftCore,
    bug = 'none',
    direct = true,
    fixed = {},
    keepTrace = false,
  }: SimulationOptions) {
    const random = new SeededRandom(seed)
    const knobs = drawKnobs(random.stream('knobs'), fixed)
    this.#knobs = knobs
    this.trace = new Trace(keepTrace)
    this.#clients = random.stream('clients')
    this.#faults = random.stream('faults')
    this.#aims = random.stream('aims')
    this.#checker = new Checker(this.#nodes, direct)
    const count = (what: string): void => void this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
    this.#network = new SimNetwork(
      this.schedule,
      random.stream('network'),
      knobs,
      (from, to, message) => this.#nodes.find((node) => node.id === to)?.deliver(from, message),
      count,
    )
    const voters = Array.from({ length: knobs.nodes }, (_, i) => `n${i + 1}`)
    const world: World = {
      schedule: this.schedule,
      knobs,
      checker: this.#checker,
      trace: this.trace,
      bug,
      voters,
      makeCore,
      count,
      send: (from, to, message) => this.#network.send(from, to, message),
      aim: (moment) => this.#aim(moment),
    }
    for (const id of voters) {
      const disks = random.stream(`disk-${id}`)
      const delay = (): number => (this.#healed ? 0.5 : knobs.diskDelayMs * (0.5 + disks.float()))
      const disk = new SimDisk(this.schedule, disks, delay)
      const clocks = random.stream(`clock-${id}`)
      const clock = { offsetMs: clocks.integer(0, 1e6), rate: 0.97 + clocks.float() * 0.06 }
      this.#nodes.push(new SimNode(id, world, disk, clock))
    }
    this.#count = count
  }

  readonly #count: (what: string) => void

  #aim(moment: AimedMoment): boolean {
    if (this.#healed) return false
    // Being elected is rare and telling; the rest happens all the time.
    const rate = moment === 'leader' || moment === 'vote' ? this.#knobs.aimedRate * 5 : this.#knobs.aimedRate
    return this.#aims.float() < rate
  }

  chaos(): void {
    const { electionTimeoutMs, chaosTimeouts, faultEveryMs, proposeEveryMs, readEveryMs } = this.#knobs
    for (const node of this.#nodes) node.start()
    const endMs = electionTimeoutMs * chaosTimeouts
    this.#every(proposeEveryMs, endMs, () => this.#propose())
    this.#every(readEveryMs, endMs, () => this.#readEverywhere())
    this.#every(faultEveryMs, endMs, () =>
      makeFault({
        nodes: this.#nodes,
        network: this.#network,
        knobs: this.#knobs,
        random: this.#faults,
        count: this.#count,
        schedule: this.schedule,
      }),
    )
    this.schedule.run(endMs)
  }

  #every(meanMs: number, endMs: number, action: () => void): void {
    const again = (): void => {
      if (this.schedule.nowMs >= endMs) return
      action()
      this.schedule.after(meanMs * (0.2 + 1.6 * this.#clients.float()), again)
    }
    this.schedule.after(meanMs * this.#clients.float(), again)
  }

  #leaders(): SimNode[] {
    return this.#nodes.filter((node) => node.core?.role === 'leader')
  }

  /** To everybody who takes itself for a leader: an old one that goes on is the interesting case. */
  #propose(): void {
    for (const leader of this.#leaders()) {
      const data = Uint8Array.from([this.#nextValue & 255, (this.#nextValue >> 8) & 255, this.#nextValue >> 16])
      this.#nextValue++
      const other = this.#nodes[this.#clients.integer(0, this.#nodes.length)]?.id
      leader.propose(data, this.#clients.float() < 0.5 ? other : undefined)
    }
  }

  #readEverywhere(): void {
    for (const leader of this.#leaders()) leader.read()
  }

  recovery(): void {
    const { electionTimeoutMs } = this.#knobs
    this.#healed = true
    this.#network.heal()
    for (const node of this.#nodes) {
      node.resume()
      node.start()
    }
    const floor = this.#checker.maxCommit
    const backlog = Math.max(...this.#nodes.map(({ core }) => (core ? core.log.lastIndex - core.commitIndex : 0)))
    const trip = ROUND_TRIP_MS + TURNS_PER_ROUND_TRIP * this.#knobs.turnDelayMs
    const allowedMs = PROGRESS_TIMEOUTS * electionTimeoutMs + backlog * trip
    const startMs = this.schedule.nowMs
    const ask = (): void => {
      this.#propose()
      this.#readEverywhere()
      if (this.#checker.maxCommit <= floor) this.schedule.after(electionTimeoutMs, ask)
    }
    this.schedule.after(electionTimeoutMs, ask)
    this.schedule.run(startMs + allowedMs, () => this.#checker.maxCommit > floor)
    this.#checker.expect(
      this.#checker.maxCommit > floor,
      'progress',
      () => `nothing was committed within ${allowedMs} ms after healing: ${this.#describe()}`,
    )
    this.#converge(backlog * trip)
    // A node that begins anew beside a leader that has nothing to say must find out by itself that it has everything.
    const follower = this.#nodes.find((node) => node.core?.role === 'follower')
    follower?.crash(Number.POSITIVE_INFINITY)
    follower?.start()
    this.#converge(0)
  }

  #converge(extraMs: number): void {
    const untilMs = this.schedule.nowMs + CONVERGENCE_TIMEOUTS * this.#knobs.electionTimeoutMs + extraMs
    this.schedule.run(untilMs, () => this.#converged())
    this.#checker.expect(this.#converged(), 'convergence', () => this.#describe())
  }

  #converged(): boolean {
    const leaders = this.#leaders()
    const leader = leaders[0]
    if (leaders.length !== 1 || leader === undefined || leader.pendingReads > 0) return false
    if (leader.core?.transferTarget !== undefined) return false
    const last = leader.core?.log.lastIndex
    return this.#nodes.every(
      ({ core, applied }) => applied === last && core?.commitIndex === last && core.leader === leader.id,
    )
  }

  #describe(): string {
    return this.#nodes
      .map(({ id, core, applied }) => {
        if (core === undefined) return `${id} is down`
        const progress = [...(core.progress ?? [])].map(([to, p]) => `${to}:${p.state} ${p.match}/${p.next}`).join(', ')
        return `${id} ${core.role} term ${core.term} log ${core.log.baseIndex}..${core.log.lastIndex} commit ${core.commitIndex} applied ${applied} [${progress}]`
      })
      .join('; ')
  }

  result(): SimulationResult {
    return {
      hash: this.trace.hash,
      simulatedMs: this.schedule.nowMs,
      steps: this.schedule.steps,
      commits: this.#checker.maxCommit,
      counts: this.#counts,
      trace: this.trace.lines ?? [],
    }
  }
}

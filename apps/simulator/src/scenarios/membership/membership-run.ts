import { drainMicrotasks, SeededRandom } from '@dsys/runtime'
import {
  Aim,
  Counts,
  type CrashFate,
  FAULTS,
  type FaultAction,
  FaultAtlas,
  Nemesis,
  type Plan,
  type RunOptions,
  type RunResult,
  Scheduler,
  SimNetwork,
  SimWorld,
  seededBuggify,
  some,
  Trace,
} from '@dsys/simulation'
import { aftermathMs, convergenceMs, lossMs } from './bounds.ts'
import { describeFrame } from './describe-frame.ts'
import { type Knobs, knobsOf } from './knobs.ts'
import { Measure } from './measure.ts'
import { MemberCluster, sees } from './member-cluster.ts'
import type { Surroundings } from './member-life.ts'
import { operate } from './operations.ts'
import { Severed } from './severed.ts'
import { SplitPhase } from './split-phase.ts'
import { Stranger } from './stranger.ts'
import { Said } from './talk.ts'
import { Verdict } from './verdict.ts'

/** What tells that a run has tried how members are judged. */
const DETECTION = ['measure.suspicions', 'measure.deaths', 'measure.detections']
const CLUSTER = 'shop'
const KEPT: CrashFate = { unsynced: 'kept', disk: 'kept' }
/** How often everything is looked at, and convergence is asked for. */
const LOOK_MS = 500
/** How long all must stay converged at the end. */
const CALM_MS = 3_000
/** Nodes of the beginning start within this time. */
const START_SPREAD_MS = 1_000

/** One run of a plan: chaos, then a core that must converge while the rest is broken, then all. */
export class MembershipRun {
  readonly #plan: Plan
  readonly #knobs: Knobs
  readonly #ids: readonly string[]
  readonly #scheduler = new Scheduler()
  readonly #trace: Trace
  readonly #counts = new Counts()
  readonly #verdict = new Verdict(() => this.#scheduler.nowMs)
  readonly #random: SeededRandom
  readonly #aim: Aim
  readonly #network: SimNetwork
  readonly #cluster: MemberCluster
  readonly #nemesis: Nemesis
  readonly #severed = new Severed()
  #stranger: Stranger | undefined
  #splitPhase: SplitPhase | undefined
  #stirred = true
  #rare = true

  constructor(plan: Plan, options: RunOptions = {}) {
    this.#plan = plan
    this.#knobs = knobsOf(plan)
    this.#ids = Array.from({ length: plan.nodes }, (_, i) => `n${i}`)
    this.#random = new SeededRandom(plan.seed)
    const count = (what: string): void => this.#counts.add(what)
    this.#trace = new Trace({ keep: options.keepTrace === true })
    this.#aim = new Aim(plan.aims, this.#random.stream('aim'), count)
    const scheduler = this.#scheduler
    const trace = this.#trace
    const { link, broadcast, fastNegative } = this.#knobs
    this.#network = new SimNetwork(
      {
        scheduler,
        random: this.#random.stream('network'),
        knobs: link,
        count,
        trace,
        describe: (_channel, frame) => describeFrame(frame, CLUSTER),
      },
      { broadcast, fastNegative, missedAbsenceRate: fastNegative ? 0.1 : 0 },
    )
    this.#cluster = new MemberCluster({
      ids: this.#ids,
      cluster: CLUSTER,
      network: this.#network,
      scheduler,
      trace,
      around: this.#surroundings(count),
    })
    const world = new SimWorld({ machines: this.#cluster.machines, network: this.#network.links })
    const actions = { ...FAULTS, 'disk-lost': this.#loseDisk }
    this.#nemesis = new Nemesis({ scheduler, world, atlas: new FaultAtlas(0), trace, count, actions })
  }

  async run(): Promise<RunResult> {
    await this.#begin()
    await this.#advance(this.#plan.chaosMs)
    this.#aim.stop()
    this.#rare = false
    this.#countIdle()
    if (this.#nothingWrong) this.#checkNobodyAccused()
    const healRest = await this.#convergeCore()
    if (healRest !== undefined) await this.#convergeAll(healRest)
    if (healRest !== undefined) for (const { talk } of this.#cluster.lives) talk.checkEnded()
    if (healRest !== undefined) await this.#splitAgain()
    for (const { life } of [...this.#cluster.lives]) life.end()
    return this.#result()
  }

  /** A run in which nobody suspects or removes anybody, and no end of a life is found out, says nothing of detection. */
  #countIdle(): void {
    const { byName } = this.#counts
    const seen = DETECTION.some((name) => (byName.get(name) ?? 0) > 0)
    if (!seen) this.#counts.add(this.#plan.faults.length === 0 ? 'chaos.without-faults' : 'chaos.idle')
  }

  /** Whether the plan has nothing in it that could make anybody suspect a node that runs. */
  get #nothingWrong(): boolean {
    const { faults, buggify } = this.#plan
    const { lossRate, tailRate } = this.#knobs.link
    return faults.length === 0 && buggify.activeShare === 0 && lossRate === 0 && tailRate === 0 && !this.#isAimed
  }

  get #isAimed(): boolean {
    const { aims } = this.#plan
    return aims.type === 'exactly' ? aims.crashes.length > 0 : Object.values(aims.rates).some((rate) => rate > 0)
  }

  #checkNobodyAccused(): void {
    this.#counts.add('calm')
    const suspected = this.#counts.byName.get('measure.false-suspicions') ?? 0
    if (suspected > 0) this.#verdict.broken('a healthy cluster accuses nobody', `${suspected} suspicions`)
  }

  /** Whether a member may have to forget the dead within the run. */
  get #forgets(): boolean {
    const { rememberDeadMs, maxMembers } = this.#knobs.options
    return rememberDeadMs < this.#plan.chaosMs * 10 || maxMembers <= 2 * this.#plan.nodes
  }

  #surroundings(count: (what: string) => void): Surroundings {
    const { buggify } = this.#plan
    const nowMs = (): number => this.#scheduler.nowMs
    return {
      knobs: this.#knobs,
      scheduler: this.#scheduler,
      trace: this.#trace,
      random: this.#random.stream('lives'),
      buggify: seededBuggify(this.#random, buggify, count, () => this.#rare),
      verdict: this.#verdict,
      aim: this.#aim,
      aimed: this.#isAimed,
      measure: new Measure(this.#counts.byName, nowMs),
      excuses: {
        hasTwin: (id) => this.#cluster.twins.has(id),
        hasImpostor: (id) => this.#cluster.impostors.has(id),
        forgets: this.#forgets,
      },
      said: new Said(),
      severed: this.#severed,
      count,
      stirred: () => {
        this.#stirred = true
      },
      crash: (id) => this.#crash(id),
    }
  }

  /** Nobody is lost for good: what a member keeps is replaced by what the others know. */
  readonly #loseDisk: FaultAction = ({ id, node }) => {
    if (!node.running) return undefined
    this.#cluster.loseDisk(id)
    return () => node.restart()
  }

  #crash(id: string): void {
    const machine = this.#cluster.machine(id)
    machine.crash(KEPT)
    this.#scheduler.after(this.#knobs.restartDelayMs, () => machine.restart())
  }

  async #begin(): Promise<void> {
    const { faults, operations } = this.#plan
    const starts = this.#random.stream('starts')
    for (const id of this.#ids.slice(0, Math.max(1, this.#knobs.initial)))
      this.#scheduler.after(START_SPREAD_MS * starts.float(), () => this.#cluster.join(id))
    if (this.#knobs.stranger) {
      this.#stranger = new Stranger(this.#network, this.#scheduler, CLUSTER)
      await this.#stranger.start()
    }
    const count = (what: string): void => this.#counts.add(what)
    const parts = { cluster: this.#cluster, ids: this.#ids, stranger: this.#stranger, count }
    for (const operation of operations) this.#scheduler.after(operation.atMs, () => operate(operation, parts))
    this.#nemesis.schedule(faults)
  }

  /** Heals a core for good; returns what heals the rest, or nothing when the core did not converge. */
  async #convergeCore(): Promise<(() => void) | undefined> {
    const random = this.#random.stream('core')
    this.#nemesis.end()
    const wanted = this.#ids.filter((id) => this.#cluster.wanted.has(id))
    const least = Math.ceil(wanted.length * this.#knobs.coreShare)
    const seed = wanted.find((id) => this.#cluster.isSeed(id))
    const drawn = some(random, wanted, this.#knobs.coreShare)
    const core = wanted.filter((id) => id === seed || drawn.includes(id))
    for (const id of wanted) if (core.length < least && !core.includes(id)) core.push(id)
    const healRest = this.#nemesis.healCore(core, random)
    this.#trace.add(this.#scheduler.nowMs, '', 'heal-core', '', core.length)
    this.#trace.detail(core.join(' '))
    await this.#converge('a healed core converges', 'core-convergence', core)
    return this.#verdict.violation === undefined ? healRest : undefined
  }

  async #convergeAll(healRest: () => void): Promise<void> {
    healRest()
    this.#network.links.heal()
    this.#trace.add(this.#scheduler.nowMs, '', 'heal-all')
    const ids = this.#ids.filter((id) => this.#cluster.wanted.has(id))
    await this.#converge('all converge', 'convergence', ids)
    if (this.#verdict.violation !== undefined) return
    await this.#advance(Math.max(0, this.#lastArrivalMs(this.#scheduler.nowMs) - this.#scheduler.nowMs))
    await this.#advance(aftermathMs(this.#knobs))
    await this.#converge('all agree', 'agreement', ids, () => this.#disagreement(ids))
    const beforeMs = this.#scheduler.nowMs
    while (this.#scheduler.nowMs < beforeMs + CALM_MS && this.#verdict.violation === undefined) {
      await this.#advance(LOOK_MS)
      const why = this.#unlike(ids, 'calm')
      if (why !== undefined) this.#verdict.broken('a healthy cluster stays as it is', why)
    }
  }

  async #splitAgain(): Promise<void> {
    const { resolver: kind } = this.#knobs
    if (kind === 'off' || this.#verdict.violation !== undefined) return
    const nodes = this.#plan.nodes
    const phase = new SplitPhase({
      ...{ knobs: this.#knobs, kind, nodes, stableAfterMs: lossMs(this.#knobs, nodes) },
      ...{ cluster: this.#cluster, severed: this.#severed, scheduler: this.#scheduler, verdict: this.#verdict },
      random: this.#random.stream('split'),
      count: (what) => this.#counts.add(what),
      stirred: () => {
        this.#stirred = true
      },
      advance: (forMs) => this.#advance(forMs),
      note: (what, detail) => {
        this.#trace.add(this.#scheduler.nowMs, '', what)
        this.#trace.detail(detail)
      },
    })
    this.#splitPhase = phase
    await phase.run()
  }

  /** When everything has arrived that was under way when all was healed at `healedMs`. */
  #lastArrivalMs(healedMs: number): number {
    const slow = this.#plan.faults.filter(({ kind }) => kind === 'slow-links')
    const lastMs = slow.map(({ atMs, forMs }) => Math.min(atMs + forMs, healedMs) + forMs)
    return Math.max(healedMs, ...lastMs) + 2 * this.#knobs.link.tailMaxMs
  }

  async #converge(rule: string, phase: string, ids: readonly string[], also?: () => string | undefined): Promise<void> {
    const beganMs = this.#scheduler.nowMs
    const boundMs = convergenceMs(this.#knobs, this.#plan.nodes)
    for (;;) {
      await this.#advance(LOOK_MS)
      if (this.#verdict.violation !== undefined) return
      // News of a later life may have been on its way for long.
      this.#cluster.replaceSilent(ids)
      const why = this.#unlike(ids) ?? also?.()
      const tookMs = this.#scheduler.nowMs - beganMs
      if (why === undefined) {
        this.#counts.byName.set(`measure.${phase}-ms`, tookMs)
        return
      }
      if (tookMs >= boundMs) {
        this.#verdict.broken(rule, `after ${Math.round(tookMs)} ms of ${boundMs}: ${why}`)
        return
      }
    }
  }

  /** What keeps `ids` from seeing all of each other, and nobody as live who is down. */
  #unlike(ids: readonly string[], phase: 'healing' | 'calm' = 'healing'): string | undefined {
    const lives = ids.map((id) => this.#cluster.current(id))
    for (const [i, life] of lives.entries()) if (life === undefined) return `${ids[i]} does not run`
    const expected = lives.filter((life) => life !== undefined)
    const down = new Set(this.#ids.filter((id) => !this.#cluster.machine(id).running))
    for (const { membership, self } of expected) {
      const why = sees(membership, expected)
      if (why !== undefined) return `${self.id}: ${why}`
      const ghost = membership.members().find(({ id, state }) => down.has(id) && state !== 'dead' && state !== 'left')
      // Whoever has forgotten a death may believe an old frame for a while.
      if (ghost !== undefined && !(phase === 'calm' && this.#forgets))
        return `${self.id}: it holds ${ghost.id} for ${ghost.state}, which is down`
    }
    return undefined
  }

  /** Who contradicts whom, be it about the living or about the gone; whoever has forgotten somebody says nothing. */
  #disagreement(ids: readonly string[]): string | undefined {
    const said = new Map<string, string>()
    for (const id of ids) {
      for (const member of this.#cluster.current(id)?.membership.members() ?? []) {
        const text = `${member.state} ${member.generation}@${member.incarnation}`
        const before = said.get(member.id) ?? text
        said.set(member.id, before)
        if (before !== text) return `${id} says ${text} of ${member.id}, another one ${before}`
      }
    }
    return undefined
  }

  /** Lets virtual time go on; promises get their turn where any may be ready. */
  async #advance(forMs: number): Promise<void> {
    const untilMs = this.#scheduler.nowMs + forMs
    while (this.#scheduler.nowMs < untilMs && this.#verdict.violation === undefined) {
      const lookMs = Math.min(this.#scheduler.nowMs + LOOK_MS, untilMs)
      await this.#advanceUntil(lookMs)
      for (const life of this.#cluster.lives) life.check()
      this.#splitPhase?.look()
    }
  }

  async #advanceUntil(untilMs: number): Promise<void> {
    for (;;) {
      const { steps } = this.#scheduler
      this.#scheduler.run(untilMs, () => this.#mustPause())
      if (!this.#mustPause() || this.#verdict.violation !== undefined) return
      this.#stirred = false
      await drainMicrotasks()
      if (this.#scheduler.steps === steps && !this.#stirred) return
    }
  }

  #mustPause(): boolean {
    if (this.#stirred || this.#verdict.violation !== undefined) return true
    for (const life of this.#cluster.lives) if (life.unsettled) return true
    return false
  }

  #result(): RunResult {
    const { violation } = this.#verdict
    return {
      hash: this.#trace.hash,
      virtualMs: this.#scheduler.nowMs,
      steps: this.#scheduler.steps,
      counts: this.#counts.byName,
      aimed: this.#aim.made,
      ...(violation === undefined ? {} : { violation }),
      ...(this.#trace.kept ? { trace: this.#trace.events } : {}),
    }
  }
}

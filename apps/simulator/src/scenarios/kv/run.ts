import { formatHistory } from '@dsys/linearizability'
import { type Random, SeededRandom } from '@dsys/runtime'
import {
  Aim,
  Counts,
  FAULTS,
  FaultAtlas,
  Nemesis,
  type Plan,
  type RunOptions,
  type RunResult,
  Scheduler,
  SimDisk,
  type SimLife,
  SimMachine,
  SimMachineDisk,
  SimNetwork,
  SimWorld,
  seededBuggify,
  Trace,
} from '@dsys/simulation'
import { Clients } from './clients.ts'
import { describeFrame } from './describe-frame.ts'
import { judge } from './judge.ts'
import { type KvKnobs, knobsOf, type Moment } from './knobs.ts'
import { isTrouble, KvProgram, type KvService, type RoleChange } from './kv-program.ts'
import { Liveness } from './liveness.ts'
import { isIdentityLost, LostDisks } from './lost-disks.ts'
import { operationsOf } from './operations.ts'
import { Replacements } from './replacements.ts'
import { Replicas } from './replicas.ts'
import { Verdict } from './verdict.ts'

/** One run of a plan. */
export class KvRun {
  readonly #plan: Plan
  readonly #knobs: KvKnobs
  readonly #scheduler = new Scheduler()
  readonly #trace: Trace
  readonly #counts = new Counts()
  readonly #random: Random
  readonly #verdict: Verdict
  readonly #aim: Aim
  readonly #atlas: FaultAtlas
  readonly #replicas: Replicas
  readonly #clients: Clients
  readonly #programs = new Map<string, KvProgram>()
  readonly #links: SimNetwork['links']
  readonly #world: SimWorld
  readonly #nemesis: Nemesis
  /** Who leads each term. */
  readonly #leaders = new Map<number, string>()
  #calm = false
  #lostDisks: LostDisks | undefined
  readonly #replacements: Replacements

  constructor(plan: Plan, options: RunOptions) {
    this.#plan = plan
    const knobs = knobsOf(plan)
    this.#knobs = knobs
    this.#random = new SeededRandom(plan.seed).stream('kv run')
    this.#trace = new Trace({ keep: options.keepTrace === true })
    const scheduler = this.#scheduler
    const count = (what: string): void => this.#counts.add(what)
    const nowMs = (): number => scheduler.nowMs
    this.#verdict = new Verdict(nowMs)
    this.#aim = new Aim(plan.aims, this.#random.stream('aims'), count)
    this.#atlas = new FaultAtlas(knobs.members.everyMs > 0 ? 0 : Math.ceil(plan.nodes / 2) - 1)
    const ids = Array.from({ length: plan.nodes }, (_, i) => `n${i + 1}`)
    this.#replicas = new Replicas({
      verdict: this.#verdict,
      trace: this.#trace,
      nowMs,
      onApplied: (life) => this.#reached(life, 'applied'),
    })
    const network = new SimNetwork(
      {
        scheduler,
        random: this.#random.stream('network'),
        knobs: knobs.link,
        count,
        trace: this.#trace,
        describe: describeFrame,
      },
      { fastNegative: knobs.fastNegative, maxFrameBytes: knobs.maxFrameBytes, broadcast: false },
    )
    const machines = ids.map((id) => this.#machine(id, ids, network))
    this.#links = network.links
    this.#world = new SimWorld({ machines, network: network.links, leader: () => this.#leader() })
    this.#replacements = new Replacements({
      world: () => this.#world,
      atlas: this.#atlas,
      scheduler,
      random: this.#random.stream('replacements'),
      program: (id) => this.#programs.get(id),
      replace: (id) => this.#replaceDisk(id),
      count,
      patienceMs: 4 * knobs.raft.electionTimeoutMs,
    })
    const actions = { ...FAULTS, 'disk-replaced': this.#replacements.action }
    this.#nemesis = new Nemesis({
      ...{ scheduler, world: this.#world, atlas: this.#atlas, trace: this.#trace, count, actions },
    })
    const { callTimeoutMs, valueBytes } = knobs
    this.#clients = new Clients({
      scheduler,
      trace: this.#trace,
      verdict: this.#verdict,
      replicas: this.#replicas,
      count,
      ids,
      service: (id) => this.#service(id),
      callTimeoutMs,
      valueBytes,
    })
  }

  async run(): Promise<RunResult> {
    const { chaosMs, faults } = this.#plan
    for (const id of this.#world.ids) this.#world.node(id).restart()
    this.#nemesis.schedule(faults)
    if (faults.some(({ kind }) => kind === 'disk-replaced')) this.#replacements.watch()
    this.#clients.start(operationsOf(this.#plan))
    try {
      await this.#scheduler.runAsync(chaosMs, () => this.#verdict.broken)
      this.#counts.add('chaos.acked-writes', this.#clients.acknowledged)
      if (this.#clients.acknowledged === 0) this.#counts.add('chaos.idle')
      if (!this.#verdict.broken) await this.#becomeCalm()
      if (!this.#verdict.broken) this.#judgeHistory()
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#verdict.break('uncaught error', text)
    }
    for (const id of this.#world.ids) this.#world.node(id).life?.end()
    return this.#result()
  }

  /** No more faults: a core is healed and must make progress, then all are, and must agree. */
  async #becomeCalm(): Promise<void> {
    this.#aim.stop()
    this.#calm = true
    this.#replacements.end()
    this.#clients.stop()
    const { lost } = this.#atlas
    const lostDisks = new LostDisks({
      world: this.#world,
      lost: this.#world.ids.filter((id) => lost.has(id) || this.#world.node(id).lost),
      replace: (id) => {
        if (!this.#replacements.replaced.has(id)) this.#replaceDisk(id)
      },
      service: (id) => this.#service(id),
      count: (what) => this.#counts.add(what),
    })
    this.#lostDisks = lostDisks
    const liveness = new Liveness({
      scheduler: this.#scheduler,
      world: this.#world,
      nemesis: this.#nemesis,
      verdict: this.#verdict,
      clients: this.#clients,
      random: this.#random.stream('liveness'),
      service: (id) => this.#service(id),
      links: this.#links,
      knobs: this.#knobs,
      lostDisks,
    })
    await liveness.run()
  }

  #replaceDisk(id: string): void {
    this.#world.node(id).replaceDisk()
    this.#programs.get(id)?.forget()
  }

  #judgeHistory(): void {
    const endMs = this.#scheduler.nowMs
    const { verdict, text, atMs } = judge(this.#clients.recorder.history(), this.#replicas, { endMs })
    this.#counts.add(`history.${verdict}`)
    if (verdict !== 'linearizable' && verdict !== 'excused') this.#verdict.break('linearizable', text, atMs)
  }

  #machine(id: string, ids: readonly string[], network: SimNetwork): SimMachine {
    const { aims, buggify } = this.#plan
    const random = this.#random.stream(`machine ${id}`)
    const count = (what: string): void => this.#counts.add(what)
    const disk = new SimDisk(
      {
        random: random.stream('disk'),
        count: (what, times) => this.#counts.add(`disk.${what}`, times),
        notes: { scheduler: this.#scheduler, trace: this.#trace, node: id },
      },
      this.#knobs.disk,
    )
    const machineDisk = new SimMachineDisk(disk)
    const program = new KvProgram({
      id,
      ids,
      knobs: this.#knobs,
      network,
      disk,
      machineDisk,
      random: random.stream('lives'),
      buggify: seededBuggify(random.stream('buggify'), buggify, count, () => !this.#calm),
      replicas: this.#replicas,
      count,
      moments: new Set(aims.type === 'drawn' ? momentsOf(aims.rates) : aims.crashes.map(({ moment }) => moment)),
      reached: (life, moment) => this.#reachedBy(life, moment),
      onRole: (life, change) => this.#onRole(life, change),
      onExit: (life, error) => this.#onExit(life, error),
      nowMs: () => this.#scheduler.nowMs,
      onLost: (what) => this.#verdict.break('durable log', `${id} does not find ${what}`),
      onDamaged: (life, error, salvaged) => this.#onDamaged(life, error, salvaged),
    })
    this.#programs.set(id, program)
    const spread = this.#knobs.clockSpread * (random.stream('clock').float() - 0.5)
    return new SimMachine(
      { id, scheduler: this.#scheduler, trace: this.#trace, program, disk: machineDisk },
      { clock: { rate: 1 + spread }, impostors: this.#knobs.log === 'file' },
    )
  }

  #service(id: string): KvService | undefined {
    return this.#programs.get(id)?.service
  }

  #leader(): string | undefined {
    let leader: { readonly id: string; readonly term: number } | undefined
    for (const id of this.#world.ids) {
      const status = this.#service(id)?.raft.status()
      if (status?.role !== 'leader' || status.term <= (leader?.term ?? 0)) continue
      leader = { id, term: status.term }
    }
    return leader?.id
  }

  #onRole({ id, generation }: SimLife, { role, term, why }: RoleChange): void {
    this.#trace.add(this.#scheduler.nowMs, id, role, '', term)
    this.#trace.detail(why)
    if (role !== 'leader') return
    const who = `${id}#${generation}`
    const other = this.#leaders.get(term)
    this.#leaders.set(term, who)
    this.#verdict.keep(other === undefined || other === who, 'election safety', () => {
      return `${other} and ${who} lead in term ${term}`
    })
  }

  /** A life has reached a moment, by its name `id#generation`. */
  #reached(name: string, moment: Moment): void {
    const id = name.slice(0, name.lastIndexOf('#'))
    const life = this.#world.node(id).life
    if (life !== undefined && name === `${id}#${life.generation}`) this.#reachedBy(life, moment)
  }

  #reachedBy(life: SimLife, moment: Moment): void {
    if (life.impostor || !life.alive || !this.#aim.crashes(moment, life.id)) return
    const machine = this.#world.node(life.id)
    machine.crash({ unsynced: 'drawn', disk: 'kept' })
    this.#restartLater(machine)
  }

  #restartLater(machine: SimMachine): void {
    this.#scheduler.after(this.#knobs.restartDelayMs, () => machine.restart())
  }

  #onExit({ id, impostor }: SimLife, error: unknown): void {
    const code = codeOf(error)
    if (impostor) {
      this.#counts.add('impostor.refused')
      this.#verdict.keep(code === 'DSYS_STORAGE_LOCKED' || isTrouble(error), 'one process', () => {
        return `a second process on the disk of ${id} ended with ${String(error)}`
      })
      return
    }
    this.#counts.add(`exit.${code}`)
    if (isIdentityLost(error)) {
      if (this.#replacements.onStopped(id)) return
      if (this.#lostDisks?.ids.includes(id) === true) {
        this.#lostDisks.onStopped(id)
        return
      }
    }
    this.#verdict.keep(isTrouble(error), 'no reason to stop', () => `${id} stopped itself: ${textOf(error)}`)
    this.#restartLater(this.#world.node(id))
  }

  /**
   * A bit that flips in what nothing proves yet is taken for a torn write, so the node of a damaged disk is replaced whatever it says. That it
   * says so is counted, and that it keeps term and vote where it could go on is looked at: see {@link DurableLog}.
   */
  #onDamaged({ id }: SimLife, error: unknown, salvaged: boolean): void {
    const noticed = error === undefined ? 'unnoticed' : codeOf(error)
    this.#counts.add(`damage.${noticed}`)
    if (salvaged) this.#counts.add('damage.salvaged')
    const expected = error === undefined || noticed === 'DSYS_STORAGE_CORRUPT' || isTrouble(error)
    this.#verdict.keep(expected, 'damage', () => `${id} meets a flipped bit with ${textOf(error)}`)
    this.#world.node(id).lose()
  }

  #result(): RunResult {
    const { hash, events } = this.#trace
    const { violation } = this.#verdict
    const { nowMs, steps } = this.#scheduler
    const kept = this.#trace.kept
    return {
      hash,
      virtualMs: nowMs,
      steps,
      counts: this.#counts.byName,
      aimed: this.#aim.made,
      ...(violation === undefined ? {} : { violation }),
      ...(kept ? { trace: events, histories: new Map([['kv', formatHistory(this.#clients.recorder.history())]]) } : {}),
    }
  }
}

function momentsOf(rates: { readonly [moment: string]: number }): string[] {
  return Object.keys(rates).filter((moment) => (rates[moment] ?? 0) > 0)
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'thrown'

function textOf(error: unknown): string {
  const parts: string[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) parts.push(cause.stack ?? cause.message)
  return parts.length === 0 ? String(error) : parts.join('\ncaused by ')
}

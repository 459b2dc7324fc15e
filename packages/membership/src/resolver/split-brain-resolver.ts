import { type Clock, Lifecycle, type Logger, type Service, type StartOptions, type TimerHandle } from '@dsys/runtime'
import { compareText } from '../core/record.ts'
import type { Membership } from '../membership.ts'
import type { SurvivalSide } from './lease.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { type Finding, type Sight, SplitWatch } from './split-watch.ts'
import { rule, type Split, type SplitBrainStrategy } from './strategy.ts'

/** What a {@link SplitBrainResolver} may do. */
export interface SplitBrainPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Must be started before the resolver and stopped after it. */
  readonly membership: Pick<Membership, 'members' | 'status'>
  /** The id of this node. */
  readonly self: string
}

/** Options of a {@link SplitBrainResolver}. Only `strategy` and `onDown` have no default. */
export interface SplitBrainOptions {
  readonly strategy: SplitBrainStrategy
  /** Called once, when this side shall not go on: the process stops what only one side may do, or itself. What it throws is in the log. */
  readonly onDown: (decision: SplitBrainDecision) => void | Promise<void>
  /** Called each time when this side goes on without members that it lost. What it throws is in the log. */
  readonly onSurvive?: (decision: SplitBrainDecision) => void | Promise<void>
  /**
   * How long nothing may change before it decides, in milliseconds, from 100 to 3,600,000: longer than it takes until all of one side see the same. With
   * the default options of membership a few seconds are enough for SWIM, and more than `reinforceAfterMs` for the cut detector. Default 20,000.
   */
  readonly stableAfterMs?: number
  /**
   * What a node does that sees nobody: its connection is down, or nobody answers. `decide`: as on a side of its own. `wait`: nothing until it sees somebody, for those
   * who stop elsewhere what only one side may do while the view is stale. Default `decide`.
   */
  readonly whenIsolated?: 'decide' | 'wait'
  /** How long the lease is waited for, in milliseconds, from 100 to 600,000. Default 10,000. */
  readonly leaseTimeoutMs?: number
}

/** What was decided, and by what. */
export interface SplitBrainDecision {
  readonly outcome: 'survive' | 'down'
  /** In words. */
  readonly why: string
  readonly strategy: SplitBrainStrategy['kind']
  readonly split: Split
  /** The members had not changed for so long. */
  readonly stableForMs: number
}

/** How a resolver stands. */
export interface SplitBrainStatus {
  /** `changing`: the members change, or did so lately. `deciding`: it waits for the lease. `down`: it has decided that, and does nothing more. */
  readonly state: 'whole' | 'changing' | 'deciding' | 'isolated' | 'down'
  /** Those who count, ordered by id. */
  readonly counted: readonly string[]
  readonly lastDecision: SplitBrainDecision | undefined
}

/** It looks so often within `stableAfterMs`. */
const LOOKS = 20

/**
 * Decides on each side of a split cluster whether that side goes on, once nothing changes any more. It acts on nothing itself: it tells the application.
 *
 * All nodes of a side that see the same members decide the same. See the strategies for what they guarantee between sides.
 */
export class SplitBrainResolver implements Service {
  readonly #ports: SplitBrainPorts
  readonly #options: Required<Omit<SplitBrainOptions, 'onSurvive'>> & Pick<SplitBrainOptions, 'onSurvive'>
  readonly #logger: Logger
  readonly #lifecycle: Lifecycle
  readonly #watch: SplitWatch
  readonly #keeper: LeaseKeeper | undefined
  #isStopped = false
  /** Of this process, as it was at the first look. */
  #generation: number | undefined
  #timer: TimerHandle | undefined
  /** When the next look is due. */
  #dueMs = 0
  #state: SplitBrainStatus['state'] = 'changing'
  #lastDecision: SplitBrainDecision | undefined

  /** Throws RangeError for options out of their limits. */
  constructor(ports: SplitBrainPorts, options: SplitBrainOptions) {
    const { stableAfterMs = 20_000, whenIsolated = 'decide', leaseTimeoutMs = 10_000 } = options
    checkDuration('stableAfterMs', stableAfterMs, 3_600_000)
    checkDuration('leaseTimeoutMs', leaseTimeoutMs, 600_000)
    if (whenIsolated !== 'decide' && whenIsolated !== 'wait')
      throw new RangeError(`whenIsolated must be 'decide' or 'wait', got ${JSON.stringify(whenIsolated)}`)
    this.#ports = ports
    this.#options = { ...options, stableAfterMs, whenIsolated, leaseTimeoutMs }
    this.#logger = ports.logger.child({ part: 'split-brain resolver' })
    this.#watch = new SplitWatch(stableAfterMs, options.strategy.role)
    const { strategy } = options
    if (strategy.kind === 'lease') {
      const { clock } = ports
      this.#keeper = new LeaseKeeper(
        { clock, logger: this.#logger, lease: strategy.lease },
        { timeoutMs: leaseTimeoutMs, checkEveryMs: stableAfterMs },
      )
    }
    this.#lifecycle = new Lifecycle('split-brain resolver', {
      start: async () => this.#lookLater(0),
      stop: async () => {
        this.#isStopped = true
        this.#keeper?.stop()
        this.#timer?.cancel()
      },
    })
  }

  /** Begins to watch. Throws NotRunningError (`DSYS_NOT_RUNNING`) after a stop. */
  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  status(): SplitBrainStatus {
    return Object.freeze({ state: this.#state, counted: this.#watch.counted, lastDecision: this.#lastDecision })
  }

  get #lookEveryMs(): number {
    return this.#options.stableAfterMs / LOOKS
  }

  #lookLater(delayMs: number): void {
    this.#later(delayMs, () => this.#look())
  }

  #later(delayMs: number, run: () => void): void {
    if (this.#isStopped) return
    const { clock } = this.#ports
    this.#dueMs = clock.monotonicMs() + delayMs
    // Behind the input of the same turn: a process that was blocked sees its timers first, and a view that is as old as its block.
    this.#timer = clock.setTimer(delayMs, () => {
      this.#timer = clock.afterIo(() => {
        this.#excuse()
        run()
      })
    })
  }

  /** While the process was blocked it could see no change: what was stable before is to be seen anew. Timers are always a little late, which is taken off. */
  #excuse(): void {
    const lateMs = this.#ports.clock.monotonicMs() - this.#dueMs
    if (lateMs > this.#lookEveryMs) this.#watch.restart()
    else this.#watch.excuse(Math.max(0, lateMs))
  }

  #look(): void {
    const nowMs = this.#ports.clock.monotonicMs()
    const sight = this.#sight()
    const finding = this.#watch.look(sight, nowMs)
    const over = this.#whyOver(sight)
    if (finding.kind !== 'changing' && over !== undefined) {
      this.#conclude('down', over, finding.split)
      return
    }
    if (finding.kind === 'removed' || (finding.kind === 'split' && !this.#waits(finding))) {
      this.#decide(finding)
      return
    }
    if (finding.kind === 'whole' && sight.isolated === undefined)
      void this.#keeper?.note(this.#side(sight, this.#watch.counted))
    void this.#keeper?.check(this.#side(sight, []).self, this.#watch.changedMs ?? nowMs, nowMs)
    this.#state = finding.kind === 'split' ? 'isolated' : finding.kind
    this.#lookLater(this.#lookEveryMs)
  }

  /** Why this life of the node does not go on whatever it sees. */
  #whyOver({ members }: Sight): string | undefined {
    const generation = members.find(({ id }) => id === this.#ports.self)?.generation
    this.#generation ??= generation
    if (generation !== undefined && generation !== this.#generation)
      return 'a later life of this node has taken its place'
    return this.#keeper?.standing?.isLeftOut === true
      ? 'a later decision on who goes on has left this node out'
      : undefined
  }

  #waits(finding: Finding): boolean {
    return this.#options.whenIsolated === 'wait' && finding.kind === 'split' && finding.isolated !== undefined
  }

  #sight(): Sight {
    const { membership, self } = this.#ports
    const { view, removedSinceMs } = membership.status()
    const isStale = view.state === 'stale'
    const catchesUp = isStale && view.because === 'catching-up'
    return {
      self,
      members: membership.members(),
      isolated: isStale && !catchesUp ? view.why : undefined,
      catchesUp,
      removedSinceMs,
      decision: this.#keeper?.standing?.decision,
    }
  }

  /** Those of `ids` that are here, with the generation that this node knows, and this node. */
  #side({ members, decision }: Sight, ids: readonly string[]): SurvivalSide {
    const lives = members.map(({ id, generation }) => ({ id, generation }))
    const self = lives.find(({ id }) => id === this.#ports.self) ?? { id: this.#ports.self, generation: 0 }
    const left = members.filter(({ state }) => state === 'left').map(({ id, generation }) => ({ id, generation }))
    const here = lives.filter(({ id }) => ids.includes(id)).sort((a, b) => compareText(a.id, b.id))
    return { self, members: here, left, decision }
  }

  #decide(finding: Extract<Finding, { kind: 'removed' | 'split' }>): void {
    const { split } = finding
    if (finding.kind === 'removed') {
      this.#conclude('down', 'the others hold this node for dead, and go on without it', split)
      return
    }
    const ruling = rule(this.#options.strategy, split)
    const where = finding.isolated === undefined ? '' : `this node sees nobody, as ${finding.isolated}; `
    if (ruling.outcome !== 'lease') {
      this.#conclude(ruling.outcome, `${where}${ruling.because}`, split)
      return
    }
    this.#state = 'deciding'
    this.#later(ruling.delayMs, () => void this.#askForLease(ruling.owner, split, where))
  }

  async #askForLease(owner: string, split: Split, where: string): Promise<void> {
    const { strategy } = this.#options
    // Meanwhile the others may have come back, or more of them gone.
    const sight = this.#sightOf(split)
    if (strategy.kind !== 'lease' || sight === undefined) {
      this.#lookLater(0)
      return
    }
    this.#keepLooking()
    const told = await this.#keeper?.ask(owner, this.#side(sight, split.present), strategy.holdMs)
    if (told === undefined) return
    this.#timer?.cancel()
    this.#excuse()
    // An answer that comes late, or to another side than there is now, is asked for once more when nothing changes any more.
    if (this.#sightOf(split) === undefined) {
      this.#lookLater(0)
      return
    }
    const { outcome, why } = told
    if (outcome !== 'moved') {
      this.#conclude(outcome, `${where}${why}`, split)
      return
    }
    this.#watch.restart()
    this.#keeper?.recheck()
    this.#lookLater(0)
  }

  /** What this node sees, where that is `split` still, and has been for long enough. */
  #sightOf(split: Split): Sight | undefined {
    const sight = this.#sight()
    const now = this.#watch.look(sight, this.#ports.clock.monotonicMs())
    const isSame = now.kind === 'split' && now.split.present.join('\n') === split.present.join('\n')
    return isSame ? sight : undefined
  }

  /** While the lease is asked for it only notices what changes, and when the process was blocked. */
  #keepLooking(): void {
    this.#later(this.#lookEveryMs, () => {
      this.#watch.look(this.#sight(), this.#ports.clock.monotonicMs())
      this.#keepLooking()
    })
  }

  #conclude(outcome: 'survive' | 'down', why: string, split: Split): void {
    const { strategy, stableAfterMs, onDown, onSurvive } = this.#options
    const decision: SplitBrainDecision = Object.freeze({
      ...{ outcome, why, strategy: strategy.kind, split },
      stableForMs: stableAfterMs,
    })
    this.#lastDecision = decision
    this.#logger.log(outcome === 'down' ? 'error' : 'warn', `split-brain resolver: ${outcome}`, { why, ...split })
    if (outcome === 'down') {
      this.#state = 'down'
      void this.#tell(onDown, decision)
      return
    }
    this.#watch.survive(split)
    this.#state = 'whole'
    if (onSurvive !== undefined) void this.#tell(onSurvive, decision)
    this.#lookLater(this.#lookEveryMs)
  }

  async #tell(
    handler: (decision: SplitBrainDecision) => void | Promise<void>,
    decision: SplitBrainDecision,
  ): Promise<void> {
    try {
      await handler(decision)
    } catch (error) {
      this.#logger.log('error', 'the application could not act on the decision of the split-brain resolver', { error })
    }
  }
}

function checkDuration(name: string, value: number, mostMs: number): void {
  if (!(value >= 100 && value <= mostMs))
    throw new RangeError(`${name} must be from 100 to ${mostMs} milliseconds, got ${value}`)
}

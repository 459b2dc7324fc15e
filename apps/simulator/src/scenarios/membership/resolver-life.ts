import {
  ChainedLease,
  keepMajority,
  leaseMajority,
  type Member,
  type SplitBrainDecision,
  SplitBrainResolver,
  type SplitBrainStrategy,
  staticQuorum,
} from '@dsys/membership'
import type { Scheduler } from '@dsys/simulation'
import { branchLogger } from './instruments.ts'
import type { MemberLife } from './member-life.ts'
import type { ResolverKind } from './resolver-knobs.ts'
import type { SurvivorRegister } from './survivor-register.ts'
import type { Verdict } from './verdict.ts'

/** What all resolvers of a run share. */
export interface ResolverParts {
  readonly kind: Exclude<ResolverKind, 'off'>
  readonly quorum: number
  readonly stableAfterMs: number
  readonly scheduler: Scheduler
  readonly register: SurvivorRegister
  readonly verdict: Verdict
  readonly count: (what: string) => void
  readonly stirred: () => void
}

/** It is looked at no more often than this, so that much may pass unseen; and no clock is faster by more. */
const UNSEEN_MS = 600

/** The resolver of one life, with what an application does that it tells; and the checks of when it may tell something. */
export class ResolverLife {
  readonly member: MemberLife
  readonly resolver: SplitBrainResolver
  /** The last verdict since {@link ResolverLife.forget}. */
  outcome: SplitBrainDecision['outcome'] | undefined
  readonly #parts: ResolverParts
  readonly #isNew: boolean
  #seen = ''
  /** Since when, in the time of the simulation, nothing has changed and the process was not blocked. */
  #stableMs: number
  #clockMs: number
  #pausedSinceMs: number | undefined

  /** @param isNew whether it came after the others were whole. */
  constructor(member: MemberLife, isNew: boolean, parts: ResolverParts) {
    this.member = member
    this.#isNew = isNew
    this.#parts = parts
    this.#stableMs = parts.scheduler.nowMs
    const { clock } = member.life.process
    this.#clockMs = clock.monotonicMs()
    const logger = branchLogger({
      count: parts.count,
      stirred: parts.stirred,
      defect: (message) => parts.verdict.broken('no defect', `${member.self.id}: ${message}`),
    })
    this.resolver = new SplitBrainResolver(
      { clock, logger, membership: member.membership, self: member.self.id },
      {
        strategy: this.#strategy(),
        stableAfterMs: parts.stableAfterMs,
        onDown: (decision) => this.#told(decision),
        onSurvive: (decision) => this.#told(decision),
      },
    )
  }

  /** It runs, and was not told to go down. Who came since, and has met nobody yet, is on no side. */
  get goesOn(): boolean {
    const isAlone = this.resolver.status().counted.length < 2 && this.outcome === undefined
    return this.member.life.alive && this.outcome !== 'down' && !(this.#isNew && isAlone)
  }

  start(): void {
    this.resolver.start().catch((error: unknown) => this.#parts.verdict.broken('it starts', String(error)))
    this.#parts.stirred()
  }

  forget(): void {
    this.outcome = undefined
  }

  /** Looks from outside whether anything has changed since the last look, or the process stood still, or its machine slept. */
  look(): void {
    const { life, membership } = this.member
    if (!life.alive) return
    const { nowMs } = this.#parts.scheduler
    const clockMs = life.process.clock.monotonicMs()
    const text = [membership.status().view.state, ...membership.members().map(textOf)].join('\n')
    this.#pausedSinceMs = life.process.paused ? (this.#pausedSinceMs ?? nowMs) : undefined
    // A shorter pause than the time between two looks of the resolver is only put on top.
    const longMs = UNSEEN_MS + this.#parts.stableAfterMs / 20
    const isBlocked = nowMs - (this.#pausedSinceMs ?? nowMs) > longMs || clockMs - this.#clockMs > longMs
    if (isBlocked || text !== this.#seen) this.#stableMs = nowMs
    this.#seen = text
    this.#clockMs = clockMs
  }

  #told({ outcome, why }: SplitBrainDecision): void {
    const { scheduler, verdict, count, stableAfterMs, stirred } = this.#parts
    const { life, membership, self } = this.member
    if (!life.alive) return
    count(`resolver.${outcome}`)
    this.look()
    const stableMs = scheduler.nowMs - this.#stableMs
    const says = `${self.id} says ${outcome} (${why})`
    if (stableMs < stableAfterMs - UNSEEN_MS)
      verdict.broken('no verdict before the view is stable', `${says}, stable for ${stableMs} of ${stableAfterMs} ms`)
    if (membership.members().some(({ state }) => state === 'suspect'))
      verdict.broken('no verdict before the view is stable', `${says}, while somebody is suspected`)
    if (this.outcome === 'down') verdict.broken('who goes down stays down', says)
    this.outcome = outcome
    // The process that shall not go on ends, as an operator wants it.
    if (outcome === 'down') scheduler.after(0, () => life.end())
    stirred()
  }

  #strategy(): SplitBrainStrategy {
    const { kind, quorum, register } = this.#parts
    const { life } = this.member
    if (kind === 'keep-majority') return keepMajority()
    if (kind === 'static-quorum') return staticQuorum({ quorum })
    return leaseMajority(new ChainedLease({ clock: life.process.clock, register: register.for(life) }))
  }
}

const textOf = ({ id, generation, state }: Member): string => `${id} ${generation} ${state}`

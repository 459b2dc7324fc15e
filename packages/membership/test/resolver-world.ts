import { type Clock, type LogFields, type Logger, type LogLevel, VirtualClock } from '@dsys/runtime'
import type { MemberState } from '../src/core/record.ts'
import {
  type Member,
  type MembershipStatus,
  type SplitBrainDecision,
  type SplitBrainOptions,
  SplitBrainResolver,
  type SplitBrainStrategy,
} from '../src/index.ts'

export const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`)
export const memberOf = (
  id: string,
  state: MemberState = 'alive',
  sinceMs = 0,
  roles: readonly string[] = [],
): Member => {
  return { id, generation: 1, incarnation: 0, state, metadata: {}, roles, capabilities: [], tags: {}, sinceMs }
}

class TestLogger implements Logger {
  readonly lines: { readonly level: LogLevel; readonly message: string }[] = []
  log(level: LogLevel, message: string, _fields?: LogFields): void {
    this.lines.push({ level, message })
  }
  child(): Logger {
    return this
  }
}

/** A resolver over members that the test makes up. */
export function build(
  strategy: SplitBrainStrategy,
  more: Partial<SplitBrainOptions> = {},
  clock = new VirtualClock(),
  process: Clock = clock,
) {
  const logger = new TestLogger()
  const world = {
    members: names(5).map((id) => memberOf(id)),
    view: { state: 'fresh' } as MembershipStatus['view'],
    removedSinceMs: undefined as number | undefined,
  }
  const decisions: SplitBrainDecision[] = []
  const status = (): MembershipStatus => {
    const localHealth = { multiplier: 1, maxMultiplier: 8, because: 'healthy' }
    return { conflicts: [], alerts: [], localHealth, view: world.view, removedSinceMs: world.removedSinceMs }
  }
  const resolver = new SplitBrainResolver(
    { clock: process, logger, self: 'n1', membership: { members: () => world.members, status } },
    {
      strategy,
      stableAfterMs: 1_000,
      onDown: (decision) => void decisions.push(decision),
      onSurvive: (decision) => void decisions.push(decision),
      ...more,
    },
  )
  const lose = (...ids: string[]): void => {
    world.members = world.members.map((member) =>
      ids.includes(member.id) ? memberOf(member.id, 'dead', clock.monotonicMs()) : member,
    )
  }
  return { clock, logger, world, resolver, decisions, lose }
}

/** The clock of a process whose event loop can stand still. */
export class BlockableClock implements Clock {
  readonly #inner: VirtualClock
  #untilMs = Number.NEGATIVE_INFINITY

  constructor(inner: VirtualClock) {
    this.#inner = inner
  }

  /** The event loop stands still from now on for `forMs`. */
  block(forMs: number): void {
    this.#untilMs = this.#inner.monotonicMs() + forMs
  }

  monotonicMs(): number {
    return this.#inner.monotonicMs()
  }

  wallMs(): number {
    return this.#inner.wallMs()
  }

  setTimer(delayMs: number, callback: () => void): ReturnType<Clock['setTimer']> {
    let handle = this.#inner.setTimer(delayMs, () => {
      const blockedMs = this.#untilMs - this.#inner.monotonicMs()
      if (blockedMs <= 0) callback()
      else handle = this.#inner.setTimer(blockedMs, callback)
    })
    return { cancel: () => handle.cancel() }
  }

  afterIo(callback: () => void): ReturnType<Clock['afterIo']> {
    return this.#inner.afterIo(callback)
  }
}

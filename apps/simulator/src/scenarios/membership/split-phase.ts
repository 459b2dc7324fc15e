import type { Random } from '@dsys/runtime'
import { pick, type Scheduler } from '@dsys/simulation'
import type { Knobs } from './knobs.ts'
import type { MemberCluster } from './member-cluster.ts'
import type { MemberLife } from './member-life.ts'
import { ResolverLife, type ResolverParts } from './resolver-life.ts'
import type { Severed } from './severed.ts'
import { SurvivorRegister } from './survivor-register.ts'
import type { Verdict } from './verdict.ts'

/** What a {@link SplitPhase} works with. */
export interface SplitPhaseParts {
  readonly knobs: Knobs
  readonly kind: ResolverParts['kind']
  readonly nodes: number
  readonly stableAfterMs: number
  readonly cluster: MemberCluster
  readonly severed: Severed
  readonly scheduler: Scheduler
  readonly random: Random
  readonly verdict: Verdict
  readonly count: (what: string) => void
  readonly stirred: () => void
  /** Lets virtual time go on, and calls `look` now and then. */
  readonly advance: (forMs: number) => Promise<void>
  readonly note: (what: string, detail: string) => void
}

/** Asking a register takes so long at the most, with all that is tried again. */
const LEASE_MS = 15_000
const ROUNDS = 2

/**
 * The end of a run, in which everybody sees everybody: on each node a split-brain resolver begins to watch; then the cluster is split, and split once more. Links come and go before that, processes
 * stand still and machines sleep meanwhile, and somebody joins just then. At most one side may go on, one side must where it has what its strategy asks for, and none may be told so
 * too early.
 */
export class SplitPhase {
  readonly #parts: SplitPhaseParts
  readonly #register: SurvivorRegister
  readonly #resolvers = new Map<MemberLife, ResolverLife>()
  readonly #shared: ResolverParts

  constructor(parts: SplitPhaseParts) {
    this.#parts = parts
    const { scheduler, random, stirred, kind, stableAfterMs, verdict, count, nodes } = parts
    this.#register = new SurvivorRegister(scheduler, random.stream('register'), stirred)
    const quorum = Math.floor(nodes / 2) + 1
    this.#shared = { kind, quorum, stableAfterMs, scheduler, register: this.#register, verdict, count, stirred }
  }

  /** To be called at each look. */
  look(): void {
    for (const resolver of this.#resolvers.values()) resolver.look()
  }

  async run(): Promise<void> {
    const { cluster, count, kind, random } = this.#parts
    count(`resolver.${kind}`)
    for (const member of [...cluster.lives]) if (cluster.current(member.self.id) !== member) member.life.end()
    this.#watchAll(false)
    await this.#becomeWhole()
    for (let round = 1; round <= ROUNDS && this.#parts.verdict.violation === undefined; round += 1) {
      const isDisturbed = await this.#split(random.stream(`round ${round}`), round)
      // Who was away when the others decided counts others than they do, until all have been whole for long enough.
      if (isDisturbed) return
    }
  }

  get #goOn(): ResolverLife[] {
    return [...this.#resolvers.values()].filter(({ goesOn }) => goesOn)
  }

  #watchAll(areNew: boolean): void {
    for (const member of this.#parts.cluster.lives) {
      if (this.#resolvers.has(member)) continue
      const resolver = new ResolverLife(member, areNew, this.#shared)
      this.#resolvers.set(member, resolver)
      member.life.process.input(() => resolver.start())
    }
  }

  /** All count all; where it is for a lease to decide, it names all of them. */
  async #becomeWhole(): Promise<void> {
    const { stableAfterMs, advance, verdict, kind } = this.#parts
    await advance(3 * stableAfterMs + LEASE_MS)
    const all = this.#goOn.map(({ member }) => member.self.id).sort()
    for (const { resolver, member } of this.#goOn) {
      const { state, counted } = resolver.status()
      if (state !== 'whole' || counted.join() !== all.join())
        verdict.broken(
          'a whole cluster is whole',
          `${member.self.id} is ${state} and counts ${counted.join()} of ${all}`,
        )
    }
    const named = this.#register.last?.members.map(({ id }) => id).join()
    if (kind === 'lease' && named !== all.join())
      verdict.broken('a whole cluster is whole', `the lease names ${named} of ${all.join()}`)
  }

  /** Splits those who go on, and judges who does so then. Returns whether anything else happened to any of them. */
  async #split(random: Random, round: number): Promise<boolean> {
    const { severed, advance, stableAfterMs, note, verdict, kind } = this.#parts
    const before = this.#goOn
    if (before.length < 2) return true
    for (const resolver of before) resolver.forget()
    const newcomer = kind === 'lease' && round === 1 && random.float() < 0.5 ? this.#join(random) : undefined
    if (newcomer !== undefined) await advance(1.5 * stableAfterMs * random.float())
    const disturbed = this.#disturb(random, before)
    await this.#flap(random)
    const sides = this.#divide(random, newcomer)
    severed.into(sides)
    note('split', sides.map((side) => side.join(' ')).join(' | '))
    await advance(disturbed.maxMs + 4 * stableAfterMs + 2 * LEASE_MS)
    if (verdict.violation === undefined) this.#judge(before, sides, disturbed.ids)
    return disturbed.ids.size > 0 || newcomer !== undefined
  }

  /** One who has no name with the lease yet. */
  #join(random: Random): string | undefined {
    const { cluster, scheduler, count } = this.#parts
    const idle = cluster.machines.filter(({ id, running }) => !running && !cluster.wanted.has(id))
    if (idle.length === 0) return undefined
    const { id } = pick(random, idle)
    cluster.join(id)
    count('resolver.newcomer')
    scheduler.after(1, () => this.#watchAll(true))
    return id
  }

  /** Some stand still for a while, or sleep: they see late what has happened. */
  #disturb(
    random: Random,
    lives: readonly ResolverLife[],
  ): { readonly ids: ReadonlySet<string>; readonly maxMs: number } {
    const { cluster, scheduler, stableAfterMs, count } = this.#parts
    const ids = new Set<string>()
    let maxMs = 0
    if (random.float() < 0.5) return { ids, maxMs }
    for (let left = pick(random, [1, 1, 2]); left > 0; left -= 1) {
      const { id } = pick(random, lives).member.self
      const [atMs, forMs] = [3 * stableAfterMs * random.float(), 3 * stableAfterMs * random.float()]
      ids.add(id)
      maxMs = Math.max(maxMs, atMs + forMs)
      const isAsleep = random.float() < 0.3
      count(isAsleep ? 'resolver.slept' : 'resolver.paused')
      scheduler.after(atMs, () => {
        const machine = cluster.machine(id)
        if (isAsleep) machine.jumpForward(forMs)
        else scheduler.after(forMs, machine.pause())
      })
    }
    return { ids, maxMs }
  }

  /** Links come and go in one direction or both, none for as long as would count as stable. */
  async #flap(random: Random): Promise<void> {
    const { severed, advance, stableAfterMs } = this.#parts
    for (let left = pick(random, [0, 0, 1, 3]); left > 0; left -= 1) {
      const sides = this.#divide(random, undefined)
      if (random.float() < 0.5) severed.into(sides)
      else severed.oneWay(sides[0] ?? [], sides[1] ?? [])
      await advance((stableAfterMs / 3) * random.float())
      severed.none()
      await advance((stableAfterMs / 3) * random.float())
    }
  }

  /** All that run in two or three parts, of which at least two have somebody of those who went on before. */
  #divide(random: Random, newcomer: string | undefined): string[][] {
    const ids = this.#goOn.map(({ member }) => member.self.id).filter((id) => id !== newcomer)
    const sides: string[][] = Array.from({ length: pick(random, [2, 2, 3]) }, () => [])
    for (const [i, id] of ids.entries()) sides[i < 2 ? i : random.integer(0, sides.length)]?.push(id)
    if (newcomer !== undefined) sides[random.integer(0, sides.length)]?.push(newcomer)
    return sides.filter((side) => side.length > 0)
  }

  #judge(before: readonly ResolverLife[], sides: readonly (readonly string[])[], disturbed: ReadonlySet<string>): void {
    const { verdict } = this.#parts
    const going = this.#goOn.map(({ member }) => member.self.id)
    const alive = sides.filter((side) => side.some((id) => going.includes(id)))
    const text = `of ${sides.map((side) => side.join(' ')).join(' | ')} ${going.join(' ') || 'nobody'} goes on`
    if (alive.length > 1) verdict.broken('at most one side goes on', text)
    const mustGoOn = sides.find((side) =>
      this.#hasEnough(
        side.filter((id) => !disturbed.has(id)),
        before.length,
      ),
    )
    const isCut = mustGoOn?.some((id) => !disturbed.has(id) && !going.includes(id)) === true
    if (isCut) verdict.broken('the side that has enough goes on', text)
    const anyHealthy = before.some(({ member }) => !disturbed.has(member.self.id))
    if (this.#parts.kind === 'lease' && anyHealthy && alive.length === 0)
      verdict.broken('the side that has enough goes on', text)
  }

  #hasEnough(side: readonly string[], counted: number): boolean {
    const { kind } = this.#parts
    if (kind === 'keep-majority') return 2 * side.length > counted
    return kind === 'static-quorum' && side.length >= this.#shared.quorum
  }
}

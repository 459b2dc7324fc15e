import { type QueuedTimer, type Random, SeededRandom } from '@dsys/runtime'
import type { Fault } from '../plan.ts'
import type { Scheduler } from '../scheduler.ts'
import { pick } from '../seed.ts'
import type { Trace } from '../trace.ts'
import type { FaultAtlas, FaultyWorld, Restore } from '../world.ts'
import { DISK_FAULTS } from './disk-faults.ts'
import type { FaultAction } from './fault-action.ts'
import { LEAST_NODES, NETWORK_FAULTS } from './network-faults.ts'
import { NODE_FAULTS } from './node-faults.ts'

/** The faults that every scenario can have; a scenario adds its own. */
export const FAULTS: Readonly<Record<string, FaultAction>> = { ...NETWORK_FAULTS, ...NODE_FAULTS, ...DISK_FAULTS }

/** How many nodes a cluster must have for a fault of this kind: in a smaller one it does nothing. */
export function leastNodes(kind: string): number {
  return LEAST_NODES.get(kind) ?? 1
}

/** What a {@link Nemesis} works with. */
export interface NemesisParts {
  readonly scheduler: Scheduler
  readonly world: FaultyWorld
  readonly atlas: FaultAtlas
  readonly trace: Trace
  readonly count: (what: string) => void
  /** Default {@link FAULTS}. */
  readonly actions?: Readonly<Record<string, FaultAction>>
}

/** A fault that has begun and not ended. */
interface Active {
  restore: Restore
  readonly timers: QueuedTimer[]
}

/** Brings the faults of a plan about, and ends them. Counts each that took place as `fault.<kind>`. */
export class Nemesis {
  readonly #parts: NemesisParts
  readonly #actions: Readonly<Record<string, FaultAction>>
  readonly #planned: QueuedTimer[] = []
  readonly #active = new Set<Active>()

  constructor(parts: NemesisParts) {
    this.#parts = parts
    this.#actions = parts.actions ?? FAULTS
  }

  /** Schedules `faults`, with times from now on. Throws RangeError for a kind that it does not know. */
  schedule(faults: readonly Fault[]): void {
    const { scheduler } = this.#parts
    const planned = faults.map((fault) => {
      const action = Object.hasOwn(this.#actions, fault.kind) ? this.#actions[fault.kind] : undefined
      if (action === undefined) throw new RangeError(`there is no fault of the kind "${fault.kind}"`)
      return [fault, action] as const
    })
    for (const [fault, action] of planned)
      this.#planned.push(scheduler.after(fault.atMs, () => this.#begin(fault, action)))
  }

  /** Ends every fault that lasts, and brings about no more. What was cut is whole, what was down starts again. */
  end(): void {
    for (const timer of this.#planned) this.#parts.scheduler.cancel(timer)
    for (const active of [...this.#active]) this.#finish(active)
  }

  /**
   * The liveness phase: ends every fault, heals all links among `core` for good and starts its nodes, and breaks each
   * other node in a way that lasts until the returned function is called. The core must make progress all the same.
   */
  healCore(core: readonly string[], random: Random): Restore {
    const { world, atlas, count } = this.#parts
    this.end()
    world.network.healAmong(core)
    for (const id of core) world.node(id).restart()
    // Whoever is lost is broken for good, and by nothing of this.
    const rest = world.ids.filter((id) => !core.includes(id) && !atlas.lost.has(id))
    const restores = rest.map((id) => {
      const [name, hurt] = pick(random, REST)
      count(`rest.${name}`)
      return hurt(this.#parts, id, random)
    })
    return () => {
      for (const restore of restores) restore()
      world.network.healAmong(world.ids)
      for (const id of rest) world.node(id).restart()
    }
  }

  #begin(fault: Fault, action: FaultAction): void {
    const { scheduler, world, atlas, trace, count } = this.#parts
    const id = (fault.aim === 'leader' ? world.leader() : undefined) ?? world.ids[fault.node % world.ids.length]
    if (id === undefined) return
    const timers: QueuedTimer[] = []
    const restore = action({
      world,
      atlas,
      id,
      node: world.node(id),
      others: world.ids.filter((other) => other !== id),
      random: new SeededRandom(fault.seed),
      forMs: fault.forMs,
      later: (afterMs, run) => void timers.push(scheduler.after(afterMs, run)),
    })
    if (restore === undefined) return
    count(`fault.${fault.kind}`)
    trace.add(scheduler.nowMs, id, `fault.${fault.kind}`, '', fault.forMs)
    const active: Active = { restore, timers }
    this.#active.add(active)
    timers.push(
      scheduler.after(fault.forMs, () => {
        trace.add(scheduler.nowMs, id, `over.${fault.kind}`)
        this.#finish(active)
      }),
    )
  }

  #finish(active: Active): void {
    if (!this.#active.delete(active)) return
    for (const timer of active.timers) this.#parts.scheduler.cancel(timer)
    active.restore()
  }
}

type Hurt = (parts: NemesisParts, id: string, random: Random) => Restore

function cutAll({ world }: NemesisParts, wanted: (from: string, to: string) => boolean): Restore {
  const cuts = world.ids.flatMap((from) =>
    world.ids.filter((to) => to !== from && wanted(from, to)).map((to) => world.network.cut(from, to)),
  )
  return () => {
    for (const restore of cuts) restore()
  }
}

/** How long a link of a flapping node stays as it is. */
const FLAP_MS = { min: 20, max: 2_000 }

/** Ways in which a node stays broken while the core must get on. */
const REST: readonly (readonly [name: string, hurt: Hurt])[] = [
  [
    'crashed',
    ({ world }, id) => {
      world.node(id).crash({ unsynced: 'lost', disk: 'kept' })
      return () => world.node(id).restart()
    },
  ],
  ['isolated', (parts, id) => cutAll(parts, (from, to) => from === id || to === id)],
  ['deaf', (parts, id) => cutAll(parts, (_from, to) => to === id)],
  ['mute', (parts, id) => cutAll(parts, (from) => from === id)],
  ['paused', ({ world }, id) => (world.node(id).running ? world.node(id).pause() : () => undefined)],
  [
    'flapping',
    (parts, id, random) => {
      let cut: Restore | undefined
      let over = false
      const flap = (): void => {
        if (over) return
        if (cut === undefined) cut = cutAll(parts, (from, to) => from === id || to === id)
        else {
          cut()
          cut = undefined
        }
        parts.scheduler.after(random.integer(FLAP_MS.min, FLAP_MS.max), flap)
      }
      flap()
      return () => {
        over = true
        cut?.()
      }
    },
  ],
]

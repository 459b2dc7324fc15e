import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Restore } from '../../src/world.ts'
import { LinksWorld } from './links-world.ts'

const NODES = ['a', 'b', 'c'] as const
const PAIRS = NODES.flatMap((from) => NODES.filter((to) => to !== from).map((to) => ({ from, to })))

type Step =
  | { readonly type: 'cut' | 'hold'; readonly from: string; readonly to: string }
  | { readonly type: 'disconnect'; readonly node: string; readonly buffered: boolean }
  /** Ends the fault that began as the `which`-th, perhaps once more. */
  | { readonly type: 'end'; readonly which: number }
  | { readonly type: 'send'; readonly from: string; readonly to: string }

const pair = fc.constantFrom(...PAIRS)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ type: fc.constantFrom('cut' as const, 'hold' as const), pair })
    .map(({ type, pair }) => ({ type, ...pair })),
  fc.record({ type: fc.constant('disconnect' as const), node: fc.constantFrom(...NODES), buffered: fc.boolean() }),
  fc.record({ type: fc.constant('end' as const), which: fc.nat(19) }),
  fc.record({ type: fc.constant('end' as const), which: fc.nat(19) }),
  pair.map((of) => ({ type: 'send' as const, ...of })),
  pair.map((of) => ({ type: 'send' as const, ...of })),
)

interface Sent {
  readonly from: string
  readonly to: string
  readonly payload: number
}

/** What links must do, said as plainly as can be: every fault that is in force is an entry of a list. */
class Model {
  readonly faults: { readonly step: Step; over: boolean }[] = []
  readonly told = new Set<string>()
  held: Sent[] = []
  kept: Sent[] = []
  arrived: Sent[] = []

  #inForce(matches: (step: Step) => boolean): boolean {
    return this.faults.some(({ step, over }) => !over && matches(step))
  }

  #faulty(type: 'cut' | 'hold', { from, to }: Sent): boolean {
    return this.#inForce((step) => step.type === type && step.from === from && step.to === to)
  }

  #away(node: string): boolean {
    return this.#inForce((step) => step.type === 'disconnect' && step.node === node)
  }

  begin(step: Step): void {
    this.faults.push({ step, over: false })
    if (step.type === 'disconnect' && !step.buffered) this.told.add(step.node)
  }

  end(which: number): void {
    const fault = this.faults[which]
    if (fault !== undefined) fault.over = true
    for (const node of NODES) if (!this.#away(node)) this.told.delete(node)
    const { held, kept } = this
    this.held = []
    this.kept = []
    for (const sent of held) this.#arrive(sent)
    for (const sent of kept) this.send(sent)
  }

  send(sent: Sent): void {
    if (this.#away(sent.from)) {
      if (!this.told.has(sent.from) || this.#wasKept(sent)) this.kept.push(sent)
    } else if (!this.#faulty('cut', sent)) {
      this.#arrive(sent)
    }
  }

  /** A frame that was kept before the node was told stays kept. */
  #wasKept({ payload }: Sent): boolean {
    return payload < this.newest
  }

  newest = 0

  #arrive(sent: Sent): void {
    if (this.#faulty('hold', sent)) this.held.push(sent)
    else if (!this.#faulty('cut', sent) && !this.#away(sent.to)) this.arrived.push(sent)
  }
}

describe('faults in any order and overlap', () => {
  test('each frame fares as the faults say that are in force, and after the last end nothing is left', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.nat(1_000)), (steps, picks) => {
        const world = new LinksWorld()
        const model = new Model()
        const ends: Restore[] = []
        const compare = (): void => {
          world.pass(10)
          const byLink = (sent: readonly Sent[]): string[] =>
            PAIRS.map(({ from, to }) => {
              const own = sent.filter((one) => one.from === from && one.to === to)
              return `${from}>${to} ${own.map(({ payload }) => payload)}`
            })
          expect(byLink(world.arrivals)).toEqual(byLink(model.arrived))
        }
        for (const one of steps) {
          if (one.type === 'send') {
            const sent = { from: one.from, to: one.to, payload: ++model.newest }
            world.links.send(sent.from, sent.to, sent.payload)
            model.send(sent)
          } else if (one.type === 'end') {
            ends[one.which]?.()
            model.end(one.which)
          } else {
            if (one.type === 'disconnect') ends.push(world.links.disconnect(one.node, one))
            else ends.push(world.links[one.type](one.from, one.to))
            model.begin(one)
          }
          compare()
        }
        // The rest ends in any order, some twice.
        const rest = [...ends.keys()].map((which) => ({ which, rank: picks.next().value as number }))
        for (const { which } of rest.sort((one, other) => one.rank - other.rank)) {
          ends[which]?.()
          if (which % 3 === 0) ends[which]?.()
          model.end(which)
          compare()
        }
        expect(world.links.calm).toBe(true)
        for (const { from, to } of PAIRS) {
          const sent = { from, to, payload: ++model.newest }
          world.links.send(from, to, sent.payload)
          model.send(sent)
        }
        compare()
        // Each connection that a node lost came back, in turns.
        for (const node of NODES) {
          const story = world.connections.filter((entry) => entry.startsWith(node) && entry !== `${node} back`)
          expect(story.length).toBeLessThanOrEqual(world.connections.filter((entry) => entry === `${node} back`).length)
        }
        expect(NODES.every((node) => world.links.connected(node))).toBe(true)
      }),
      { numRuns: 150, seed: 3 },
    )
  })

  test('troubles of any number and order leave the chances of a link as they were', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true })
    const trouble = fc.record(
      { lossRate: rate, duplicateRate: rate, reorderRate: rate, tailRate: rate, extraDelayMs: rate },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(trouble, { maxLength: 8 }), fc.infiniteStream(fc.nat(1_000)), (troubles, picks) => {
        const arrivalsAfter = (disturb: (world: LinksWorld) => void): unknown[] => {
          const world = new LinksWorld({ lossRate: 0.2, duplicateRate: 0.2, reorderRate: 0.2, tailRate: 0.2 }, 5)
          disturb(world)
          world.stream(40)
          world.pass(10_000)
          expect(world.links.calm).toBe(true)
          return world.arrivals
        }
        const disturbed = arrivalsAfter((world) => {
          const ends = troubles.map((one) => ({
            end: world.links.trouble('a', 'b', one),
            rank: picks.next().value as number,
          }))
          for (const { end } of ends.sort((one, other) => one.rank - other.rank)) end()
        })
        expect(disturbed).toEqual(arrivalsAfter(() => undefined))
      }),
      { numRuns: 50, seed: 3 },
    )
  })

  test('every copy of every frame arrives or is lost, and the counters agree with the trace', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 30 }), (seed, steps) => {
        const world = new LinksWorld({ lossRate: 0.1, duplicateRate: 0.2, reorderRate: 0.1, tailRate: 0.1 }, seed)
        const ends: Restore[] = []
        let sent = 0
        for (const one of steps) {
          for (const { from, to } of PAIRS) world.links.send(from, to, sent++)
          if (one.type === 'disconnect') ends.push(world.links.disconnect(one.node, one))
          else if (one.type === 'cut' || one.type === 'hold') ends.push(world.links[one.type](one.from, one.to))
          else if (one.type === 'end') ends[one.which]?.()
          world.pass(3)
        }
        world.links.heal()
        world.pass(100_000)
        const copies = sent + world.count('duplicated')
        expect(world.arrivals.length + world.count('lost') + world.count('cut')).toBe(copies)
        expect(world.lost).toHaveLength(world.count('lost') + world.count('cut'))
        const noted = (what: string): number => world.trace.events.filter((event) => event.what === what).length
        expect([noted('send'), noted('receive'), noted('lose')]).toEqual([
          sent,
          world.arrivals.length,
          world.lost.length,
        ])
        // Whoever counts copies comes to an end with each frame.
        const underWay = new Map<number, number>()
        for (const { payload, copiesUnderWay } of world.arrivals) underWay.set(payload, copiesUnderWay)
        const last = [
          ...world.lost
            .map((entry) => entry.split(' '))
            .map(([, payload, left]) => [Number(payload), Number(left)] as const),
        ]
        for (const [payload, left] of last) underWay.set(payload, Math.min(left, underWay.get(payload) ?? left))
        expect([...underWay.values()].every((left) => left === 0)).toBe(true)
        expect(underWay.size).toBe(sent)
      }),
      { numRuns: 50, seed: 3 },
    )
  })
})

import { SeededRandom } from '@dsys/runtime'
import {
  Counts,
  drawFaults,
  FaultAtlas,
  Nemesis,
  type RunOptions,
  type RunResult,
  type Scenario,
  Scheduler,
  type SimLife,
  SimMachine,
  SimNetwork,
  SimWorld,
  Trace,
} from '@dsys/simulation'
import type { Transport } from '@dsys/transport'

const LINK = { delayMs: 5, tailRate: 0.01, tailMaxMs: 500, lossRate: 0, duplicateRate: 0, reorderRate: 0 }
const KINDS = ['partition-halves', 'one-way-cut', 'frozen-peer', 'pause']

/** The service: every node knows the highest bid. Its bug: a bid is told once, so a node that was not reached never learns of it. */
function serveAuction(transport: Transport): { highest: number; bid(amount: number): void } {
  const service = {
    highest: 0,
    bid(amount: number): void {
      if (amount <= service.highest) return
      service.highest = amount
      transport.broadcast('bids', Uint8Array.of(amount))
    },
  }
  transport.listen('bids', ([amount = 0]) => {
    service.highest = Math.max(service.highest, amount)
  })
  return service
}

const auction: Scenario = {
  name: 'auction',
  about: 'nodes that tell each other the highest bid',
  expected: ['bid', ...KINDS.map((kind) => `fault.${kind}`)],
  plan(seed, knobs = {}) {
    const [random, nodes, chaosMs] = [new SeededRandom(seed).stream('plan'), 3, 10_000]
    const faults = drawFaults(random, { kinds: KINDS, nodes, chaosMs, everyMs: 2_000, paceMs: 500 })
    const bids = Array.from({ length: 20 }, (_, i) => ({
      atMs: 500 * (i + 1),
      node: random.integer(0, nodes),
      amount: i + 1,
    }))
    const [aims, buggify] = [{ type: 'drawn', rates: {} } as const, { activeShare: 0, fireShare: 0, off: [] }]
    return { version: 1, scenario: 'auction', seed, nodes, chaosMs, knobs, faults, operations: bids, aims, buggify }
  },
  async run({ seed, nodes, chaosMs, faults, operations }, { keepTrace = false }: RunOptions = {}): Promise<RunResult> {
    const [scheduler, trace, counts] = [new Scheduler(), new Trace({ keep: keepTrace }), new Counts()]
    const count = (what: string): void => counts.add(what)
    const network = new SimNetwork({ scheduler, random: new SeededRandom(seed), knobs: LINK, count, trace })
    const running = new Map<string, { readonly life: SimLife; readonly service: ReturnType<typeof serveAuction> }>()
    const machines = Array.from({ length: nodes }, (_, i) => {
      const id = `n${i + 1}`
      const start = (life: SimLife): void => {
        const transport = network.endpoint(id, { process: life.process })
        running.set(id, { life, service: serveAuction(transport) })
        life.onEnd(() => running.delete(id))
        void transport.start()
      }
      return new SimMachine({ id, scheduler, trace, program: { start } })
    })
    const world = new SimWorld({ machines, network: network.links })
    const nemesis = new Nemesis({ scheduler, world, atlas: new FaultAtlas(0), trace, count })
    for (const machine of machines) machine.restart()
    nemesis.schedule(faults)
    for (const { atMs, node, amount } of operations) {
      scheduler.at(atMs, () => {
        const { life, service } = running.get(`n${(Number(node) % nodes) + 1}`) ?? {}
        // A client's call reaches a process as a frame does: it waits while that is paused, and a dead one never gets it.
        life?.process.input(() => {
          count('bid')
          service?.bid(Number(amount))
        })
      })
    }
    await scheduler.runAsync(chaosMs)
    nemesis.end()
    network.links.heal()
    await scheduler.runAsync(chaosMs + 5_000)
    const { nowMs: atMs, steps } = scheduler
    const told = [...running].map(([id, { service }]) => `${id} ${service.highest}`)
    const agreed = new Set([...running.values()].map(({ service }) => service.highest)).size <= 1
    const violation = { rule: 'everybody knows the highest bid', message: told.join(', '), atMs }
    const result = { hash: trace.hash, virtualMs: atMs, steps, counts: counts.byName, aimed: [], trace: trace.events }
    return agreed ? result : { ...result, violation }
  },
}

export const scenarios: readonly Scenario[] = [auction]

import type { Random } from '@dsys/runtime'
import { type Fault, type FaultAction, type FaultContext, pick, type Restore } from '@dsys/simulation'
import type { CoreNode } from './core-node.ts'

/** Faults that bring a leader to believe in a lease that is over, if anything does (P-08, P-25). They are drawn by themselves. */
export const LEASE_TRAPS = [
  'lease-restart',
  'lease-clocks',
  'lease-hand-over',
  'lease-late-hand-over',
  'lease-own-vote',
  'lease-term',
] as const

/** From the beginning of one attempt to that of the next, in election timeouts. */
const CYCLE_TIMEOUTS = 8
const LASTS_TIMEOUTS = 2.5
/** A transfer is sent only to one that has the whole log, which it has now and then while clients write. */
const ATTEMPTS = 40
const ATTEMPT_EVERY_MS = 0.7
/** By then a message has mostly arrived, and no answer to what it has caused. */
const HEARD_MS = 0.9

/** One of the traps after the other, for whoever leads just then. */
export function drawLeaseTraps(
  random: Random,
  {
    leaseTraps,
    electionTimeoutMs,
    chaosMs,
  }: { readonly leaseTraps: boolean; readonly electionTimeoutMs: number; readonly chaosMs: number },
): Fault[] {
  if (!leaseTraps) return []
  const faults: Fault[] = []
  for (let startMs = 0; startMs < chaosMs; startMs += CYCLE_TIMEOUTS * electionTimeoutMs) {
    faults.push({
      kind: pick(random, LEASE_TRAPS),
      atMs: Math.round(startMs + electionTimeoutMs * (4 + random.float())),
      forMs: LASTS_TIMEOUTS * electionTimeoutMs,
      node: 0,
      aim: 'leader',
      seed: random.integer(0, 2 ** 32),
    })
  }
  return faults
}

const all = (restores: readonly Restore[]): Restore => {
  return () => {
    for (const restore of restores) restore()
  }
}

const deafen = ({ world, id, others }: FaultContext): Restore => all(others.map((from) => world.network.cut(from, id)))

const cutOff = (context: FaultContext): Restore => {
  const { world, id, others } = context
  return all([deafen(context), ...others.map((to) => world.network.cut(id, to))])
}

/** Tells the leader to hand over to `to` as soon as that takes effect at once, and does `then` with it. */
function handOver(nodes: readonly CoreNode[], context: FaultContext, to: string, then: () => void): void {
  const attempt = (left: number): void => {
    const driver = nodes.find(({ id }) => id === context.id)?.driver
    const match = driver?.core.progress?.get(to)?.match
    if (driver === undefined || match === undefined || left === 0) return
    if (match < driver.core.log.lastIndex) context.later(ATTEMPT_EVERY_MS, () => attempt(left - 1))
    else {
      driver.transfer(to)
      then()
    }
  }
  attempt(ATTEMPTS)
}

type Faults = Readonly<Record<string, FaultAction>>

export function leaseTrapFaults(nodes: readonly CoreNode[], electionTimeoutMs: number): Faults {
  return { ...cutOffTraps(electionTimeoutMs), ...handOverTraps(nodes, electionTimeoutMs) }
}

function cutOffTraps(electionTimeoutMs: number): Faults {
  return {
    /** The leader is cut off, and the others begin anew at the same moment: what they have promised it they still keep. */
    'lease-restart': (context) => {
      const { world, others } = context
      const restore = cutOff(context)
      for (const id of others) {
        world.node(id).crash({ unsynced: 'kept', disk: 'kept' })
        world.node(id).restart()
      }
      return restore
    },
    /** The clock of the leader is as slow as may be, those of the others are as fast; then it is cut off. */
    'lease-clocks': (context) => {
      const { world, node, others, later, random } = context
      const restores = [node.drift(0.9), ...others.map((id) => world.node(id).drift(1.1))]
      later(electionTimeoutMs * random.float(), () => restores.push(cutOff(context)))
      return () => all(restores)()
    },
    /** One hears the leader until shortly before the others may elect another, and begins anew then: it must not vote for itself. */
    'lease-own-vote': (context) => {
      const { world, id, others, random, later } = context
      const one = pick(random, others)
      const rest = others.filter((other) => other !== one)
      const restores = rest.flatMap((other) => [world.network.cut(id, other), world.network.cut(other, id)])
      later(electionTimeoutMs * (0.75 + 0.15 * random.float()), () => {
        restores.push(world.network.cut(id, one), world.network.cut(one, id))
        world.node(one).crash({ unsynced: 'kept', disk: 'kept' })
        world.node(one).restart()
      })
      return () => all(restores)()
    },
  }
}

function handOverTraps(nodes: readonly CoreNode[], electionTimeoutMs: number): Faults {
  return {
    /** The leader hands over, and does not hear that this has succeeded. */
    'lease-hand-over': (context) => {
      const restores: Restore[] = []
      handOver(nodes, context, pick(context.random, context.others), () => restores.push(deafen(context)))
      return () => all(restores)()
    },
    /** The one to whom the leader hands over stands still. The leader has given that up when it goes on, and does not hear of it. */
    'lease-late-hand-over': (context) => {
      const { world, random, others, later } = context
      const to = pick(random, others)
      const restores: Restore[] = []
      handOver(nodes, context, to, () => {
        const goOn = world.node(to).pause()
        restores.push(goOn)
        later(electionTimeoutMs * (1.02 + 0.2 * random.float()), () => {
          restores.push(deafen(context))
          goOn()
        })
      })
      return () => all(restores)()
    },
    /** The one to whom the leader hands over begins the next term and hears no votes; and the old leader asks for some at once. */
    'lease-term': (context) => {
      const { world, id, others, random, later } = context
      const to = pick(random, others)
      const restores: Restore[] = []
      handOver(nodes, context, to, () => {
        const deaf = others.filter((other) => other !== to).map((other) => world.network.cut(other, to))
        restores.push(...deaf)
        later(HEARD_MS, () => restores.push(world.network.cut(id, to)))
        later(electionTimeoutMs / 10, () => nodes.find((node) => node.id === id)?.driver?.campaign())
      })
      return () => all(restores)()
    },
  }
}

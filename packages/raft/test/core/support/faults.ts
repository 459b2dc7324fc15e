import type { Random } from '@dsys/runtime'
import type { FaultKind, Knobs } from './knobs.ts'
import type { Schedule } from './schedule.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'

/** What faults are made of. */
export interface FaultTargets {
  readonly nodes: readonly SimNode[]
  readonly network: SimNetwork
  readonly knobs: Knobs
  readonly random: Random
  readonly schedule: Schedule
  readonly count: (what: string) => void
}

type Fault = (targets: FaultTargets) => void

const anyNode = ({ nodes, random }: FaultTargets): SimNode => nodes[random.integer(0, nodes.length)] as SimNode

/** More often than not the leader: it is the one whose loss tells something. */
function tellingNode(targets: FaultTargets): SimNode {
  const leader = targets.nodes.find((node) => node.core?.role === 'leader')
  return leader !== undefined && targets.random.float() < 0.5 ? leader : anyNode(targets)
}

function forPairs({ nodes }: FaultTargets, action: (a: SimNode, b: SimNode) => void): void {
  for (const a of nodes) for (const b of nodes) if (a !== b) action(a, b)
}

const FAULTS: Partial<Record<FaultKind, Fault>> = {
  partition: (targets) => {
    const { network, random } = targets
    network.restore()
    const alone = random.float() < 0.5 ? tellingNode(targets) : undefined
    const side = new Set(targets.nodes.filter((node) => (alone === undefined ? random.float() < 0.5 : node === alone)))
    forPairs(targets, (a, b) => {
      if (side.has(a) !== side.has(b)) network.cut(a.id, b.id)
    })
  },
  'one-way-cut': (targets) => {
    const { network, random } = targets
    const node = tellingNode(targets)
    const deaf = random.float() < 0.5
    forPairs(targets, (a, b) => {
      if (random.float() < 0.8 && (deaf ? b : a) === node) network.cut(a.id, b.id)
    })
  },
  // Each node on the one side sees all others but a few; one node joins the halves (P-07).
  bridge: (targets) => {
    const { network, random } = targets
    network.restore()
    const bridge = anyNode(targets)
    const side = new Set(targets.nodes.filter(() => random.float() < 0.5))
    forPairs(targets, (a, b) => {
      if (a !== bridge && b !== bridge && side.has(a) !== side.has(b)) network.cut(a.id, b.id)
    })
  },
  'silent-cut': (targets) => {
    const node = tellingNode(targets)
    forPairs(targets, (a, b) => {
      if (a === node || b === node) targets.network.silence(a.id, b.id)
    })
  },
  crash: (targets) => {
    const { random, knobs, nodes } = targets
    const all = random.float() < 0.1
    for (const node of all ? nodes : [tellingNode(targets)]) node.crash(knobs.restartDelayMs * (0.5 + random.float()))
  },
  pause: (targets) => tellingNode(targets).pause(targets.knobs.electionTimeoutMs * targets.random.float() * 5),
  'slow-disk': (targets) => {
    const forMs = targets.knobs.electionTimeoutMs * targets.random.float() * 4
    tellingNode(targets).disk.stall(targets.schedule.nowMs + forMs)
  },
  transfer: (targets) => {
    const target = anyNode(targets).id
    for (const node of targets.nodes) if (node.core?.role === 'leader') node.transfer(target)
  },
  'forced-campaign': (targets) => anyNode(targets).campaign(),
}

/** One fault of those that the seed has switched on, or the end of all cuts. */
export function makeFault(targets: FaultTargets): void {
  const { knobs, random, network, count } = targets
  if (random.float() < 0.3) {
    network.restore()
    return
  }
  const kinds = [...knobs.faults].filter((kind) => FAULTS[kind] !== undefined)
  const kind = kinds[random.integer(0, Math.max(1, kinds.length))]
  if (kind === undefined) return
  count(`fault.${kind}`)
  FAULTS[kind]?.(targets)
}

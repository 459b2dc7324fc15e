import { type FaultAction, some } from '@dsys/simulation'
import type { Checker } from './checker.ts'
import type { CoreNode } from './core-node.ts'
import type { OWN_FAULTS } from './knobs.ts'
import { diskReplaced, withoutStrangers } from './lost-disks.ts'

/** What can happen to a group besides faults of machines and networks, and is as hard on it. */
export function ownFaults(
  nodes: readonly CoreNode[],
  checker: Checker,
  count: (what: string) => void,
): Readonly<Record<(typeof OWN_FAULTS)[number], FaultAction>> {
  return {
    'disk-replaced': diskReplaced(nodes, checker, count),
    /** Whoever takes itself for the leader is told to hand over to the node; the node itself, to one by lot. */
    transfer: ({ random, id }) => {
      const other = nodes[random.integer(0, nodes.length)] as CoreNode
      for (const { driver, id: own } of nodes) {
        if (driver?.core.role === 'leader') driver.transfer(own === id ? other.id : id)
      }
      return () => undefined
    },
    /** Whoever takes itself for the leader is told to bring the group to other members. */
    reconfigure: ({ random }) => {
      const ids = nodes.map(({ id }) => id)
      const voters = some(random, ids, 0.6)
      if (voters.length === 0) voters.push(ids[random.integer(0, ids.length)] as string)
      const witnesses = voters.filter((id) => nodes.find((node) => node.id === id)?.witness)
      // Somebody must hold the data.
      if (witnesses.length === voters.length) voters.push(ids[0] as string)
      const learners = some(
        random,
        nodes.filter(({ id, witness }) => !voters.includes(id) && !witness).map(({ id }) => id),
        0.3,
      )
      const target = witnesses.length === 0 ? { voters, learners } : { voters, learners, witnesses }
      for (const { driver } of nodes) {
        if (driver?.core.role === 'leader') driver.reconfigure((core) => withoutStrangers(target, core, nodes))
      }
      return () => undefined
    },
    /** A node begins an election although it hears its leader. */
    'forced-campaign': ({ id }) => {
      nodes.find((node) => node.id === id)?.driver?.campaign()
      return () => undefined
    },
  }
}

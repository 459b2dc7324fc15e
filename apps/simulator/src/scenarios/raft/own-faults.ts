import type { FaultAction } from '@dsys/simulation'
import type { CoreNode } from './core-node.ts'
import type { OWN_FAULTS } from './knobs.ts'

/** What can happen to a group besides faults of machines and networks, and is as hard on it. */
export function ownFaults(nodes: readonly CoreNode[]): Readonly<Record<(typeof OWN_FAULTS)[number], FaultAction>> {
  return {
    /** Whoever takes itself for the leader is told to hand over to one node. */
    transfer: ({ random }) => {
      const target = nodes[random.integer(0, nodes.length)] as CoreNode
      for (const { driver } of nodes) if (driver?.core.role === 'leader') driver.transfer(target.id)
      return () => undefined
    },
    /** A node begins an election although it hears its leader. */
    'forced-campaign': ({ id }) => {
      nodes.find((node) => node.id === id)?.driver?.campaign()
      return () => undefined
    },
  }
}

import { silentLogger } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'
import { readConfig } from '../config.ts'
import { RunningNode } from '../running-node.ts'

/** Nodes of one cluster in this process, over a network in memory. Takes the flags of `main.js` for each. */
export function nodesInProcess(argumentLists: readonly (readonly string[])[]): readonly RunningNode[] {
  const network = new MemoryNetwork()
  return argumentLists.map((args) => new RunningNode(readConfig(args, {}), { logger: silentLogger, network }))
}

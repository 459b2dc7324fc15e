// The same in TypeScript, for its types alone: what a user gets told, and what the compiler refuses.
import { NoLeaderError, type RaftEvent, RaftNode, type RaftOptions, type StateMachine } from '@dsys/raft'
import { raft } from '@dsys/raft/di'
import { systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import type { Transport } from '@dsys/transport'
import { MemoryNetwork } from '@dsys/transport-memory'

interface State {
  readonly n: number
}

const counter: StateMachine<State, { add: number }, number> = {
  initial: () => ({ n: 0 }),
  apply: (state, command) => ({ state: { n: state.n + command.add }, result: state.n + command.add }),
}

const transport: Transport = new MemoryNetwork().endpoint('n1')
const node = new RaftNode(
  { ...systemRuntime(), transport, log: new MemoryLogStorage(), machine: counter },
  { id: 'n1', group: 'orders', voters: ['n1'] },
)

export async function total(signal: AbortSignal): Promise<number> {
  await node.start({ signal })
  const result: number = await node.propose({ add: 2 })
  // @ts-expect-error A command of another shape is refused.
  await node.propose({ subtract: 2 })
  return result + (await node.read((state) => state.n))
}

// @ts-expect-error The group has no default.
export const incomplete: RaftOptions = { id: 'n1', voters: ['n1'] }

export function explain(error: unknown): string | undefined {
  return error instanceof NoLeaderError && error.retryable ? error.hint : undefined
}

export const isChange = (event: RaftEvent): boolean => event.type === 'LeaderChanged'
export const modules: readonly unknown[] = [raft]

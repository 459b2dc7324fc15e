import { type KvState, kvMachine } from '@dsys/kv'
import type { SnapshotInParts } from '@dsys/raft'

function snapshots(): SnapshotInParts<KvState> {
  if (kvMachine.snapshot === undefined) throw new Error('the machine has no snapshots')
  return kvMachine.snapshot
}

/** The snapshot of a state, part by part. */
export const partsOf = (state: KvState): Uint8Array[] => [...snapshots().freeze(state)]

/** The state that these parts hold. */
export function stateOf(...parts: readonly Uint8Array[]): KvState {
  const decoder = snapshots().decoder()
  for (const part of parts) decoder.add(part)
  return decoder.finish()
}

/** The state as a node has it that began with a snapshot of it. */
export const reread = (state: KvState): KvState => stateOf(...partsOf(state))

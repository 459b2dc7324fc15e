import type { StateMachine } from '@dsys/raft'

/** What a counter is asked to do; `id` names the command, so that one that is applied twice is seen. */
export interface Add {
  readonly id: string
  readonly by: number
}

/** A counter that knows every command that was applied, in order. */
export interface CounterState {
  total: number
  readonly applied: string[]
}

/** Adds up. The result of a command is the total behind it, so no two results are equal where every `by` is positive. */
export const counter: StateMachine<CounterState, Add, number> = {
  initial: () => ({ total: 0, applied: [] }),
  apply: (state, { id, by }) => {
    state.total += by
    state.applied.push(id)
    return { state, result: state.total }
  },
}

/** A change of one register. */
export type RegisterCommand =
  | { readonly type: 'write'; readonly key: string; readonly value: number }
  | { readonly type: 'swap'; readonly key: string; readonly expected: number; readonly value: number }

/** Registers by key; a key that was never written holds 0. */
export type Registers = Record<string, number>

/** Writes, and compare-and-swap. The result says whether the register holds the value now. */
export const registers: StateMachine<Registers, RegisterCommand, boolean> = {
  initial: () => ({}),
  apply: (state, command) => {
    const { key, value } = command
    if (command.type === 'swap' && (state[key] ?? 0) !== command.expected) return { state, result: false }
    state[key] = value
    return { state, result: true }
  },
}

/** Sets a blob. */
export interface PutBlob {
  readonly key: string
  readonly blob: string
}

/** Blobs by key, and what happened between the parts of a snapshot of them. */
export interface Blobs {
  readonly blobs: Map<string, string>
}

/** A state that may be large. Its snapshots come in parts, one for each blob; the result of a command is how many there are. */
export const blobs: StateMachine<Blobs, PutBlob, number> = {
  initial: () => ({ blobs: new Map() }),
  apply: (state, { key, blob }) => {
    state.blobs.set(key, blob)
    return { state, result: state.blobs.size }
  },
  snapshot: {
    freeze: (state) => encodeBlobs([...state.blobs]),
    decoder: () => {
      const state: Blobs = { blobs: new Map() }
      return {
        add: (part) => {
          const { key, blob } = JSON.parse(Buffer.from(part).toString()) as PutBlob
          state.blobs.set(key, blob)
        },
        finish: () => state,
      }
    },
  },
}

function* encodeBlobs(frozen: readonly [string, string][]): Generator<Uint8Array, void, undefined> {
  for (const [key, blob] of frozen) yield Buffer.from(JSON.stringify({ key, blob }))
}

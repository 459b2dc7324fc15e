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

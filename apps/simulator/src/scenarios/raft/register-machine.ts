import { promise } from '@dsys/simulation'
import type { LogEntry } from '@dsys/storage'

/** How many registers are remembered. Clients move on to new ones, so a history falls into many short ones. */
const REGISTERS = 8
const COMMAND_BYTES = 8
/** The kind of an entry with a command. */
export const COMMAND_KIND = 1

/** The command to set the register `key` to `value`. */
export function encodeCommand(key: number, value: number): Uint8Array {
  const data = new Uint8Array(COMMAND_BYTES)
  const view = new DataView(data.buffer)
  view.setUint32(0, key)
  view.setUint32(4, value)
  return data
}

function wordAt(data: Uint8Array, offset: number): number {
  return (
    (((data[offset] as number) << 24) |
      ((data[offset + 1] as number) << 16) |
      ((data[offset + 2] as number) << 8) |
      (data[offset + 3] as number)) >>>
    0
  )
}

function mix(hash: number, word: number): number {
  return (Math.imul(hash ^ word, 0x01000193) + 0x9e3779b9) | 0
}

/** The whole state, as a snapshot has it: the digest, then key and value of each register. */
export type MachineState = Uint32Array

/**
 * The replicated state: a few registers, and a digest over every entry ever applied, so that any difference in any of them
 * shows for ever.
 */
export class RegisterMachine {
  #state: MachineState = new Uint32Array(1 + 2 * REGISTERS)
  readonly #witness: boolean

  /** That of a witness has no state: nothing is applied to it, and its snapshots are empty. */
  constructor({ witness }: { readonly witness: boolean } = { witness: false }) {
    this.#witness = witness
  }

  get digest(): number {
    return this.#state[0] as number
  }

  apply({ index, term, kind, data }: LogEntry): void {
    if (this.#witness) return
    const state = this.#state
    let digest = mix(mix(mix(state[0] as number, index), term), kind)
    if (data.length === COMMAND_BYTES) {
      const key = wordAt(data, 0)
      const value = wordAt(data, 4)
      digest = mix(mix(digest, key), value)
      const slot = 1 + 2 * (key % REGISTERS)
      if (key >= (state[slot] as number)) {
        state[slot] = key
        state[slot + 1] = value
      }
    }
    state[0] = digest
  }

  /** The value of a register, 0 before the first write; undefined when it is forgotten. Keys and values begin at 1. */
  read(key: number): number | undefined {
    const slot = 1 + 2 * (key % REGISTERS)
    const known = this.#state[slot] as number
    if (known > key) return undefined
    return known === key ? (this.#state[slot + 1] as number) : 0
  }

  snapshot(): MachineState {
    return this.#witness ? new Uint32Array(0) : this.#state.slice()
  }

  restore(state: MachineState): void {
    promise(
      (state.length === 0) === this.#witness,
      'witnesses hold no data',
      () => `a snapshot has ${state.length} words`,
    )
    if (!this.#witness) this.#state = state.slice()
  }
}

export function encodeState(state: MachineState): Uint8Array {
  return new Uint8Array(state.slice().buffer)
}

export function decodeState(bytes: Uint8Array): MachineState {
  // A copy, also of a Buffer, whose slice() would be a view into a larger one.
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}

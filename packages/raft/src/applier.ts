import { type Codec, InvariantError, json } from '@dsys/runtime'
import type { LogEntry } from '@dsys/storage'
import { batchBytes, checkBatch, decodeBatch, writeBatch } from './batches.ts'
import { MalformedError, readU53, writeU53 } from './bytes.ts'
import {
  CLIENT_BATCH_KIND,
  CLIENT_COMMAND_KIND,
  clientId,
  decodeClientCommand,
  isClientCommand,
  OPEN_CLIENT_KIND,
} from './client-commands.ts'
import type { ClientLookup } from './client-table.ts'
import { CONFIGURATION_KIND } from './core/configuration.ts'
import { NO_OP_KIND } from './core/roles.ts'
import type { SnapshotDecoder, StateMachine } from './machine.ts'
import { BatchResults } from './recorded.ts'
import { type SessionLookup, SessionTable } from './sessions.ts'
import { checkNoContent, type DecodedSnapshot, decodeContent, type FrozenReplica } from './snapshot-content.ts'
import type { Turns } from './turns.ts'

/** A command of a session. */
export const COMMAND_KIND = 1
/** Commands of a session that are applied next to each other, or not at all. Known to every node that speaks format 2 on the wire. */
export const BATCH_KIND = 6
/** Opens a session; its data is a nonce by which the opener knows it. */
export const OPEN_SESSION_KIND = 2

/** What {@link writeCommand} writes before the command. */
export const COMMAND_HEADER_BYTES = 24

/** What an entry did, for the proposer that may wait on this node. */
export type AppliedEntry<Result> =
  | { readonly type: 'session-opened'; readonly sessionId: number; readonly nonce: Uint8Array }
  | {
      readonly type: 'command'
      readonly sessionId: number
      readonly sequence: number
      readonly outcome: Exclude<SessionLookup<Result>, { type: 'new' }>
    }
  | { readonly type: 'client-opened'; readonly client: string; readonly nonce: Uint8Array }
  | {
      readonly type: 'client-command'
      readonly client: string
      readonly sequence: number
      readonly outcome: Exclude<ClientLookup<Result>, { type: 'new' }>
    }

/** Whether something that came over the wire may become an entry: one that cannot be read would stop every node. */
export function isProposal({ kind, data }: { readonly kind: number; readonly data: Uint8Array }): boolean {
  if (kind === CLIENT_COMMAND_KIND) return isClientCommand(data)
  if (kind === CLIENT_BATCH_KIND) return isClientCommand(data) && isBatchData(decodeClientCommand(data).command, 0)
  if (kind === OPEN_SESSION_KIND || kind === OPEN_CLIENT_KIND) return true
  if ((kind !== COMMAND_KIND && kind !== BATCH_KIND) || data.length < COMMAND_HEADER_BYTES) return false
  try {
    for (let at = 0; at < COMMAND_HEADER_BYTES; at += 8) readU53(data, at)
    return kind === COMMAND_KIND || isBatchData(data, COMMAND_HEADER_BYTES)
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
}

function isBatchData(data: Uint8Array, at: number): boolean {
  try {
    checkBatch(data, at)
    return true
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
}

/** A command, or those of a batch, encoded. */
export type EncodedCommand = Uint8Array | readonly Uint8Array[]

export const isBatch = (command: EncodedCommand): command is readonly Uint8Array[] => Array.isArray(command)

/** What {@link writeCommand} writes. */
export const commandBytes = (command: EncodedCommand): number =>
  COMMAND_HEADER_BYTES + (isBatch(command) ? batchBytes(command) : command.length)

/** Writes the data of a command entry, or a batch, to `at`: whose it is, which of theirs, and what. Returns where it ends. */
export function writeCommand(
  bytes: Uint8Array,
  at: number,
  sessionId: number,
  sequence: number,
  settledBelow: number,
  command: EncodedCommand,
): number {
  writeU53(bytes, sessionId, at)
  writeU53(bytes, sequence, at + 8)
  writeU53(bytes, settledBelow, at + 16)
  const begin = at + COMMAND_HEADER_BYTES
  if (isBatch(command)) return writeBatch(bytes, begin, command)
  bytes.set(command, begin)
  return begin + command.length
}

/**
 * The replicated state of one node: the user's state machine and the table of sessions. It changes by committed entries
 * alone.
 */
export class Applier<State, Command, Result> {
  readonly #machine: StateMachine<State, Command, Result>
  readonly #resultCodec: Codec<Result>
  readonly #stateCodec: Codec<State>
  readonly commandCodec: Codec<Command>
  #state: State
  #sessions = new SessionTable<Result>()
  #lastApplied = 0
  #adoptedChecksum: number | undefined
  readonly #witness: boolean

  /** The one of a witness applies nothing, and its snapshots are empty. */
  constructor(machine: StateMachine<State, Command, Result>, { witness = false }: { readonly witness?: boolean } = {}) {
    this.#machine = machine
    this.#witness = witness
    this.commandCodec = machine.commandCodec ?? json<Command>()
    this.#resultCodec = machine.resultCodec ?? json<Result>()
    this.#stateCodec = machine.stateCodec ?? json<State>()
    this.#state = machine.initial()
  }

  get state(): State {
    return this.#state
  }

  get lastApplied(): number {
    return this.#lastApplied
  }

  /** Applies the next entry. Throws what the state machine throws: the state cannot be trusted then. */
  apply(entry: LogEntry): AppliedEntry<Result> | undefined {
    if (entry.index !== this.#lastApplied + 1) {
      throw new InvariantError(`entry ${entry.index} cannot be applied after ${this.#lastApplied}`)
    }
    this.#lastApplied = entry.index
    if (this.#witness) return undefined
    switch (entry.kind) {
      case NO_OP_KIND:
      case CONFIGURATION_KIND:
        return undefined
      case OPEN_SESSION_KIND:
        this.#sessions.open(entry.index)
        return { type: 'session-opened', sessionId: entry.index, nonce: entry.data }
      case COMMAND_KIND:
      case BATCH_KIND:
        return this.#applyCommand(entry)
      case OPEN_CLIENT_KIND: {
        const client = clientId(entry.term, entry.index)
        this.#sessions.clients.open(client)
        return { type: 'client-opened', client, nonce: entry.data }
      }
      case CLIENT_COMMAND_KIND:
      case CLIENT_BATCH_KIND:
        return this.#applyClientCommand(entry)
      default:
        throw new InvariantError(`entry ${entry.index} is of kind ${entry.kind}, which this version does not know`)
    }
  }

  #applyCommand(entry: LogEntry): AppliedEntry<Result> {
    const { data } = entry
    const sessionId = readU53(data, 0)
    const sequence = readU53(data, 8)
    const settledBelow = readU53(data, 16)
    const known = this.#sessions.lookup(sessionId, sequence)
    this.#sessions.touch(sessionId, entry.index, settledBelow)
    if (known.type !== 'new') return { type: 'command', sessionId, sequence, outcome: known }
    const command = data.subarray(COMMAND_HEADER_BYTES)
    const result = entry.kind === BATCH_KIND ? this.#runAll(command, entry) : this.#run(command, entry, 0)
    this.#sessions.record(sessionId, sequence, result)
    return { type: 'command', sessionId, sequence, outcome: { type: 'applied', result } }
  }

  #applyClientCommand(entry: LogEntry): AppliedEntry<Result> {
    const { client, sequence, seenThrough, command } = decodeClientCommand(entry.data)
    const { clients } = this.#sessions
    const known = clients.lookup(client, sequence)
    clients.touch(client, seenThrough)
    if (known.type !== 'new') return { type: 'client-command', client, sequence, outcome: known }
    const result = entry.kind === CLIENT_BATCH_KIND ? this.#runAll(command, entry) : this.#run(command, entry, 0)
    clients.record(client, sequence, result)
    return { type: 'client-command', client, sequence, outcome: { type: 'applied', result } }
  }

  #runAll(encoded: Uint8Array, entry: LogEntry): BatchResults<Result> {
    return new BatchResults(decodeBatch(encoded, 0).map((command, position) => this.#run(command, entry, position)))
  }

  #run(encoded: Uint8Array, { index, term }: LogEntry, position: number): Result {
    const context = { index, term, position }
    const { state, result } = this.#machine.apply(this.#state, this.commandCodec.decode(encoded), context)
    this.#state = state
    return result
  }

  /** What became of a command of a client, as the table has it. */
  lookupClient(client: string, sequence: number): ClientLookup<Result> {
    return this.#sessions.clients.lookup(client, sequence)
  }

  /** What became of a command, as the table has it. */
  lookup(sessionId: number, sequence: number): SessionLookup<Result> {
    return this.#sessions.lookup(sessionId, sequence)
  }

  /** The whole state at `lastApplied`, which later entries do not change; nothing at a witness. */
  freeze(): FrozenReplica | undefined {
    if (this.#witness) return undefined
    const { snapshot } = this.#machine
    const state = snapshot === undefined ? [this.#stateCodec.encode(this.#state)] : snapshot.freeze(this.#state)
    const { sessions, batches } = this.#sessions.freeze(this.#resultCodec)
    return { sessions, batches, ...this.#sessions.clients.freeze(this.#resultCodec), state }
  }

  /** Reads a snapshot without taking it over. Throws when the bytes cannot be read, or are not what they were. */
  async decode(content: AsyncIterable<Uint8Array>, turns: Turns): Promise<DecodedSnapshot<State, Result>> {
    if (this.#witness) {
      const checksum = await checkNoContent(content)
      return { sessions: new SessionTable(), state: this.#machine.initial(), checksum }
    }
    const decoder = this.#machine.snapshot?.decoder() ?? new WholeDecoder(this.#stateCodec)
    return decodeContent(content, this.#resultCodec, decoder, turns)
  }

  /** Replaces the whole state by that of a snapshot at `index`. */
  adopt(index: number, snapshot: DecodedSnapshot<State, Result>): void {
    this.#sessions = snapshot.sessions
    this.#state = snapshot.state
    this.#lastApplied = index
    this.#adoptedChecksum = snapshot.checksum
  }

  /** The checksum of the snapshot that was taken over last; `undefined` before there was one. */
  get adoptedChecksum(): number | undefined {
    return this.#adoptedChecksum
  }
}

/** Reads a state that was encoded in one piece. */
class WholeDecoder<State> implements SnapshotDecoder<State> {
  readonly #codec: Codec<State>
  readonly #parts: Uint8Array[] = []

  constructor(codec: Codec<State>) {
    this.#codec = codec
  }

  add(part: Uint8Array): void {
    this.#parts.push(part)
  }

  finish(): State {
    const [only] = this.#parts
    return this.#codec.decode(this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts))
  }
}

import { encodeBatch } from './batches.ts'
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts'
import type { ClientLookup } from './client-table.ts'
import { ClientForgottenError, ResultForgottenError } from './errors.ts'
import type { ClientCall } from './options.ts'

/** Takes a client in; its data is a nonce by which the node that asked for it knows it. */
export const OPEN_CLIENT_KIND = 4
/** A command of a client. */
export const CLIENT_COMMAND_KIND = 5
/** Commands of a client that are applied next to each other, or not at all, under one sequence. */
export const CLIENT_BATCH_KIND = 7

const ID_PATTERN = /^\d{1,16}\.\d{1,16}$/

/**
 * The id of the client that the entry at `index` takes in. An index alone could come twice, where a group had to be recovered without some of
 * its log; a term and an index cannot.
 */
export const clientId = (term: number, index: number): string => `${term}.${index}`

/** What the data of a client's command says. */
export interface ClientCommand {
  readonly client: string
  readonly sequence: number
  readonly seenThrough: number
  readonly command: Uint8Array
}

/** An entry that a proposer knows again when it is applied, whichever node has brought it there. */
export interface OwnEntry {
  readonly kind: number
  readonly data: Uint8Array
  /** The same for the same entry, at any node. */
  readonly key: string
}

export const openingKey = (nonce: Uint8Array): string => `open ${Buffer.from(nonce).toString('latin1')}`
export const commandKey = (client: string, sequence: number): string => `${client} ${sequence}`

/** The entry for a command of a client, or a batch of them. Throws a RangeError that says what is wrong with the call. */
export function encodeClientCommand(
  { id, sequence, seenThrough = 0 }: ClientCall,
  commands: Uint8Array | readonly Uint8Array[],
): OwnEntry {
  const kind = Array.isArray(commands) ? CLIENT_BATCH_KIND : CLIENT_COMMAND_KIND
  const command = commands instanceof Uint8Array ? commands : encodeBatch(commands)
  check(typeof id === 'string' && ID_PATTERN.test(id), `client.id must be what openClient() returned, got ${id}`)
  check(Number.isSafeInteger(sequence) && sequence >= 1, `client.sequence must be 1 or more, got ${sequence}`)
  check(
    Number.isSafeInteger(seenThrough) && seenThrough >= 0 && seenThrough < sequence,
    `client.seenThrough must be from 0 to below client.sequence (${sequence}), got ${seenThrough}`,
  )
  const data = new ByteWriter(24 + id.length + command.length)
    .text(id)
    .u53(sequence)
    .u53(seenThrough)
    .raw(command)
    .finish()
  return { kind, data, key: commandKey(id, sequence) }
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new RangeError(message)
}

/** Reads what {@link encodeClientCommand} wrote. Throws MalformedError. */
export function decodeClientCommand(data: Uint8Array): ClientCommand {
  const reader = new ByteReader(data)
  const client = Buffer.from(reader.bytes()).toString('utf8')
  return { client, sequence: reader.u53(), seenThrough: reader.u53(), command: reader.rest() }
}

/** Whether every node can read this as a command of a client. */
export function isClientCommand(data: Uint8Array): boolean {
  try {
    const { client, sequence } = decodeClientCommand(data)
    return ID_PATTERN.test(client) && sequence >= 1
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
}

/** What its caller is told of a command that was not applied this time, and of which no result is known. */
export function clientError(group: string, key: string, { type }: ClientLookup<unknown>): Error {
  const [client = '', sequence = ''] = key.split(' ')
  return type === 'client-forgotten'
    ? new ClientForgottenError(group, client)
    : new ResultForgottenError(group, client, Number(sequence))
}

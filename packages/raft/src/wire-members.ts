import type { ByteReader, ByteWriter } from './bytes.ts'
import type { Membership } from './core/configuration.ts'
import { readIds, writeIds } from './core/configuration-codec.ts'

/** Asks the leader to bring the group to `target`. */
export interface ReconfigureRequest {
  readonly type: 'reconfigure-request'
  readonly ticket: number
  readonly target: Membership
  readonly expected: Membership | undefined
  /** The index of the newest configuration that the sender knows to be committed. */
  readonly basis: number
}

/** Its size on the wire, or a little more. */
export function reconfigureRequestBytes({ target, expected }: ReconfigureRequest): number {
  return 64 + membershipBytes(target) + membershipBytes(expected)
}

function membershipBytes(membership: Membership | undefined): number {
  if (membership === undefined) return 0
  const { voters, learners, witnesses = [] } = membership
  return [...voters, ...learners, ...witnesses].reduce((sum, id) => sum + 4 + Buffer.byteLength(id), 12)
}

export function encodeReconfigureRequest(writer: ByteWriter, request: ReconfigureRequest): void {
  const { ticket, basis, target, expected } = request
  writer.u53(ticket).u53(basis)
  encodeMembership(writer, target)
  writer.u8(expected === undefined ? 0 : 1)
  if (expected !== undefined) encodeMembership(writer, expected)
  writeIds(writer, target.witnesses ?? [])
  writeIds(writer, expected?.witnesses ?? [])
}

function encodeMembership(writer: ByteWriter, { voters, learners }: Membership): void {
  writeIds(writer, voters)
  writeIds(writer, learners)
}

/** The witnesses stand behind all else: who does not know them adds a voter with data, and the node that is made as a witness stops. */
export function decodeReconfigureRequest(reader: ByteReader): ReconfigureRequest {
  const [ticket, basis, target] = [reader.u53(), reader.u53(), decodeMembership(reader)]
  const expected = reader.u8() === 0 ? undefined : decodeMembership(reader)
  const [wanted, present] = reader.done ? [[], []] : [readIds(reader), readIds(reader)]
  const withWitnesses = (membership: Membership, witnesses: readonly string[]): Membership =>
    witnesses.length === 0 ? membership : { ...membership, witnesses }
  return {
    type: 'reconfigure-request',
    ticket,
    basis,
    target: withWitnesses(target, wanted),
    expected: expected && withWitnesses(expected, present),
  }
}

function decodeMembership(reader: ByteReader): Membership {
  return { voters: readIds(reader), learners: readIds(reader) }
}

import type { Codec } from '@dsys/runtime'
import { type ByteReader, ByteWriter, MalformedError } from '@dsys/runtime/bytes'
import type { KvCommand } from './command.ts'
import { decoding } from './decoding.ts'

/**
 * version u8 · op u8 · keyspace length u8 · keyspace · key length u16 · key · [revision u64 where op has one] · value to the end
 */
const VERSION = 1
const OP_PUT = 1
const OP_CREATE = 2
const OP_UPDATE = 3
const OP_DELETE = 4
const OP_DELETE_REVISION = 5
const FIXED_BYTES = 5

function opByte(command: KvCommand): number {
  switch (command.op) {
    case 'put':
      return OP_PUT
    case 'create':
      return OP_CREATE
    case 'update':
      return OP_UPDATE
    case 'delete':
      return command.revision === undefined ? OP_DELETE : OP_DELETE_REVISION
  }
}

function encode(command: KvCommand): Uint8Array {
  const { keyspace, key } = command
  const value = command.op === 'delete' ? undefined : command.value
  const revision = command.op === 'update' || command.op === 'delete' ? command.revision : undefined
  const size = FIXED_BYTES + keyspace.length + key.length + (revision === undefined ? 0 : 8) + (value?.length ?? 0)
  const writer = new ByteWriter(size).u8(VERSION).u8(opByte(command))
  writer.u8(keyspace.length).latin1(keyspace).u16(key.length).latin1(key)
  if (revision !== undefined) writer.u53(revision)
  if (value !== undefined) writer.raw(value)
  return writer.written()
}

function readCommand(reader: ByteReader): KvCommand {
  const op = reader.u8()
  const keyspace = reader.latin1(reader.u8())
  const key = reader.latin1(reader.u16())
  switch (op) {
    case OP_PUT:
      return { op: 'put', keyspace, key, value: reader.rest() }
    case OP_CREATE:
      return { op: 'create', keyspace, key, value: reader.rest() }
    case OP_UPDATE:
      return { op: 'update', keyspace, key, revision: reader.u53(), value: reader.rest() }
    case OP_DELETE:
      return { op: 'delete', keyspace, key, revision: undefined }
    case OP_DELETE_REVISION:
      return { op: 'delete', keyspace, key, revision: reader.u53() }
    default:
      throw new MalformedError(`operation ${op} is not known to this release`)
  }
}

const decode = (bytes: Uint8Array): KvCommand => decoding('a key-value command', VERSION, bytes, readCommand)

/** Commands as they stand in the log. `decode` gives a view of the bytes, not a copy. */
export const commandCodec: Codec<KvCommand> = Object.freeze({ encode, decode })

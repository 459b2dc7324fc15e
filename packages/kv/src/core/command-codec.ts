import type { Codec } from '@dsys/runtime'
import { ByteReader, writeUint53 } from './bytes.ts'
import type { KvCommand } from './command.ts'

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
  const bytes = Buffer.allocUnsafe(
    FIXED_BYTES + keyspace.length + key.length + (revision === undefined ? 0 : 8) + (value?.length ?? 0),
  )
  bytes[0] = VERSION
  bytes[1] = opByte(command)
  bytes[2] = keyspace.length
  let offset = 3 + bytes.write(keyspace, 3, 'latin1')
  offset = bytes.writeUInt16BE(key.length, offset)
  offset += bytes.write(key, offset, 'latin1')
  if (revision !== undefined) offset = writeUint53(bytes, revision, offset)
  if (value !== undefined) bytes.set(value, offset)
  return bytes
}

function decode(bytes: Uint8Array): KvCommand {
  const reader = new ByteReader('a key-value command', bytes)
  reader.expectVersion(VERSION)
  const op = reader.uint8()
  const keyspace = reader.latin1(reader.uint8())
  const key = reader.latin1(reader.uint16())
  switch (op) {
    case OP_PUT:
      return { op: 'put', keyspace, key, value: reader.rest() }
    case OP_CREATE:
      return { op: 'create', keyspace, key, value: reader.rest() }
    case OP_UPDATE:
      return { op: 'update', keyspace, key, revision: reader.uint53(), value: reader.rest() }
    case OP_DELETE:
      reader.expectEnd()
      return { op: 'delete', keyspace, key, revision: undefined }
    case OP_DELETE_REVISION: {
      const revision = reader.uint53()
      reader.expectEnd()
      return { op: 'delete', keyspace, key, revision }
    }
    default:
      throw reader.malformed(`operation ${op} is not known to this release`)
  }
}

/** Commands as they stand in the log. `decode` gives a view of the bytes, not a copy. */
export const commandCodec: Codec<KvCommand> = Object.freeze({ encode, decode })

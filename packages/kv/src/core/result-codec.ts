import type { Codec } from '@dsys/runtime'
import { ByteReader, writeUint53 } from './bytes.ts'
import type { KvResult } from './command.ts'

/** version u8 · kind u8 · for changed: revision u64 · for an actual entry: revision u64 · createRevision u64 · value to the end */
const VERSION = 1
const CHANGED = 1
const ABSENT = 2
const ACTUAL = 3

function encode(result: KvResult): Uint8Array {
  if (result.changed) {
    const bytes = Buffer.allocUnsafe(10)
    bytes[0] = VERSION
    bytes[1] = CHANGED
    writeUint53(bytes, result.revision, 2)
    return bytes
  }
  const { actual } = result
  if (actual === undefined) return Buffer.from([VERSION, ABSENT])
  const bytes = Buffer.allocUnsafe(18 + actual.value.length)
  bytes[0] = VERSION
  bytes[1] = ACTUAL
  writeUint53(bytes, actual.revision, 2)
  writeUint53(bytes, actual.createRevision, 10)
  bytes.set(actual.value, 18)
  return bytes
}

function decode(bytes: Uint8Array): KvResult {
  const reader = new ByteReader('a key-value result', bytes)
  reader.expectVersion(VERSION)
  const kind = reader.uint8()
  switch (kind) {
    case CHANGED: {
      const revision = reader.uint53()
      reader.expectEnd()
      return { changed: true, revision }
    }
    case ABSENT:
      reader.expectEnd()
      return { changed: false, actual: undefined }
    case ACTUAL: {
      const revision = reader.uint53()
      const createRevision = reader.uint53()
      return { changed: false, actual: { value: reader.rest(), revision, createRevision } }
    }
    default:
      throw reader.malformed(`kind ${kind} is not known to this release`)
  }
}

/** Results as a snapshot keeps them for the open sessions: whoever proposed again gets the same one. */
export const resultCodec: Codec<KvResult> = Object.freeze({ encode, decode })

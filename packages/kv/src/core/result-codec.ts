import type { Codec } from '@dsys/runtime'
import { type ByteReader, ByteWriter, MalformedError } from '@dsys/runtime/bytes'
import type { KvResult } from './command.ts'
import { decoding } from './decoding.ts'

/** version u8 · kind u8 · for changed: revision u64 · for an actual entry: revision u64 · createRevision u64 · value to the end */
const VERSION = 1
const CHANGED = 1
const ABSENT = 2
const ACTUAL = 3

function encode(result: KvResult): Uint8Array {
  if (result.changed) return new ByteWriter(10).u8(VERSION).u8(CHANGED).u53(result.revision).written()
  const { actual } = result
  if (actual === undefined) return new ByteWriter(2).u8(VERSION).u8(ABSENT).written()
  const writer = new ByteWriter(18 + actual.value.length).u8(VERSION).u8(ACTUAL)
  return writer.u53(actual.revision).u53(actual.createRevision).raw(actual.value).written()
}

function readResult(reader: ByteReader): KvResult {
  const kind = reader.u8()
  switch (kind) {
    case CHANGED:
      return { changed: true, revision: reader.u53() }
    case ABSENT:
      return { changed: false, actual: undefined }
    case ACTUAL: {
      const revision = reader.u53()
      const createRevision = reader.u53()
      return { changed: false, actual: { value: reader.rest(), revision, createRevision } }
    }
    default:
      throw new MalformedError(`kind ${kind} is not known to this release`)
  }
}

const decode = (bytes: Uint8Array): KvResult => decoding('a key-value result', VERSION, bytes, readResult)

/** Results as a snapshot keeps them for the open sessions: whoever proposed again gets the same one. */
export const resultCodec: Codec<KvResult> = Object.freeze({ encode, decode })

import { type ByteReader, type ByteWriter, MalformedError } from '@dsys/runtime/bytes'
import {
  MAX_ANSWER_BYTES,
  MAX_FAILURE_CHARACTERS,
  MAX_QUERY_BYTES,
  MAX_QUERY_MS,
  OUTCOMES,
  type QueryFailure,
  type QueryId,
  type QueryResult,
} from './query-message.ts'
import { positive, readText, writeText } from './record-codec.ts'
import { readName, readPayload } from './user-codec.ts'

const MAX_FAILURE_BYTES = 3 * MAX_FAILURE_CHARACTERS

/** A query as it travels. */
export interface QueryBody extends QueryId {
  /** How long its sender still waits. Time under way is not counted, as no two clocks are compared. */
  readonly leftMs: number
  readonly name: string
  readonly payload: Uint8Array
}

/** An answer as it travels. */
export interface AnswerBody extends QueryId {
  readonly result: QueryResult
}

export function writeQuery(writer: ByteWriter, { nonce, number, leftMs, name, payload }: QueryBody): void {
  writer
    .varint(nonce)
    .varint(number)
    .varint(Math.min(MAX_QUERY_MS, Math.max(0, Math.ceil(leftMs))))
  writeText(writer, name)
  writer.varint(payload.length).raw(payload)
}

export function readQuery(reader: ByteReader): QueryBody {
  const id = readQueryId(reader)
  const leftMs = Math.min(reader.varint(), MAX_QUERY_MS)
  return { ...id, leftMs, name: readName(reader), payload: readPayload(reader, MAX_QUERY_BYTES) }
}

export function writeAnswer(writer: ByteWriter, { nonce, number, result }: AnswerBody): void {
  writer
    .varint(nonce)
    .varint(number)
    .u8(result.ok ? 0 : 1)
  if (result.ok) {
    writer.varint(result.payload.length).raw(result.payload)
    return
  }
  const { code, message, hint, retryable, outcome } = result.failure
  for (const text of [code, message, hint]) writeText(writer, text.slice(0, MAX_FAILURE_CHARACTERS))
  writer.u8(retryable ? 1 : 0).u8(OUTCOMES.indexOf(outcome))
}

export function readAnswer(reader: ByteReader): AnswerBody {
  const id = readQueryId(reader)
  const status = reader.u8()
  if (status > 1) throw new MalformedError('an answer is neither a result nor a failure')
  if (status === 0) return { ...id, result: { ok: true, payload: readPayload(reader, MAX_ANSWER_BYTES) } }
  return { ...id, result: { ok: false, failure: readFailure(reader) } }
}

function readFailure(reader: ByteReader): QueryFailure {
  const code = readText(reader, MAX_FAILURE_BYTES)
  const message = readText(reader, MAX_FAILURE_BYTES)
  const hint = readText(reader, MAX_FAILURE_BYTES)
  const retryable = reader.u8() === 1
  const outcome = OUTCOMES[reader.u8()]
  if (outcome === undefined) throw new MalformedError('an outcome is unknown')
  return { code, message, hint, retryable, outcome }
}

const readQueryId = (reader: ByteReader): QueryId => ({
  nonce: positive(reader.varint(), 'nonce'),
  number: positive(reader.varint(), 'query'),
})

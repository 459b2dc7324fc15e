import { type ByteReader, type ByteWriter, MalformedError, varintLength } from '@dsys/runtime/bytes'
import { MAX_ID_BYTES, positive, readId, readPart, textBytes, writeText } from '../record-codec.ts'
import type { AlertStatement } from './alert-book.ts'

/** What a message of alerts asks of its receiver; the place is the number on the wire. */
export const ALERT_QUESTIONS: readonly AlertQuestion[] = Object.freeze(['nothing', 'compare', 'all'])

export type AlertQuestion = 'nothing' | 'compare' | 'all'

/** Statements of observers about their subjects. */
export interface AlertsBody {
  /** `compare`: "Tell me all where your sum is another one." `all`: "Tell me all." */
  readonly question: AlertQuestion
  /** Of the alerts that stand at the sender. */
  readonly sum: number
  readonly statements: readonly AlertStatement[]
}

/** A bound on the encoded size of one statement; what later versions add is within it. */
const MAX_STATEMENT_BYTES = 2 * MAX_ID_BYTES + 256

/** Bytes of a statement in a frame, with the length before it. */
export function statementBytes(statement: AlertStatement): number {
  const bytes = contentBytes(statement)
  return varintLength(bytes) + bytes
}

function contentBytes({ observer, generation, subject, subjectGeneration, version }: AlertStatement): number {
  const numbers = varintLength(generation) + varintLength(subjectGeneration) + varintLength(version) + 1
  return textBytes(observer) + textBytes(subject) + numbers
}

export function writeAlerts(writer: ByteWriter, { question, sum, statements }: AlertsBody): void {
  writer.u8(ALERT_QUESTIONS.indexOf(question)).u32(sum)
  writer.varint(statements.length)
  for (const statement of statements) {
    const { observer, generation, subject, subjectGeneration, version, raised } = statement
    writer.varint(contentBytes(statement))
    writeText(writer, observer)
    writer.varint(generation)
    writeText(writer, subject)
    writer.varint(subjectGeneration).varint(version)
    writer.u8(raised ? 1 : 0)
  }
}

export function readAlerts(reader: ByteReader): AlertsBody {
  const question = ALERT_QUESTIONS[reader.u8()]
  if (question === undefined) throw new MalformedError('a message of alerts asks nothing that is known')
  const sum = reader.u32()
  const count = reader.varint()
  const statements: AlertStatement[] = []
  // The count is not believed before the bytes are there: each statement reads some, or the reader throws.
  for (let i = 0; i < count; i++) statements.push(readStatement(readPart(reader, MAX_STATEMENT_BYTES)))
  return { question, sum, statements }
}

function readStatement(reader: ByteReader): AlertStatement {
  const observer = readId(reader)
  const generation = positive(reader.varint(), 'generation')
  const subject = readId(reader)
  const subjectGeneration = positive(reader.varint(), 'generation')
  const version = reader.varint()
  const raised = reader.u8()
  if (raised > 1) throw new MalformedError('a flag is neither 0 nor 1')
  return { observer, generation, subject, subjectGeneration, version, raised: raised === 1 }
}

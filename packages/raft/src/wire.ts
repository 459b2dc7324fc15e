import type { LogEntry } from '@dsys/storage'
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts'
import type { Message } from './core/messages.ts'
import type { ReconfigureRefusal } from './core/reconfiguration.ts'
import { readMessages } from './framing.ts'
import {
  decodeReconfigureRequest,
  encodeReconfigureRequest,
  type ReconfigureRequest,
  reconfigureRequestBytes,
} from './wire-members.ts'
import { decodeVoteRefusal, encodeVoteRefusal, voteRefusalBytes } from './wire-votes.ts'

/** Proposals that a follower passes to the leader. */
export interface ForwardRequest {
  readonly type: 'forward-request'
  readonly items: readonly ForwardedItem[]
}

/** A proposal on its way: `sequence` names it in an answer. */
export interface ForwardedItem {
  readonly sequence: number
  readonly kind: number
  readonly data: Uint8Array
}

/** The receiver did not take these proposals. They may be sent again, to whoever leads. */
export interface ForwardRefused {
  readonly type: 'forward-refused'
  readonly sequences: readonly number[]
}

/** Asks the leader for the index at which a read is linearizable: confirmed by a round, or by the leader's lease. */
export interface ReadIndexRequest {
  readonly type: 'read-index-request' | 'read-lease-request'
  readonly ticket: number
}

export interface ReadIndexResponse {
  readonly type: 'read-index-response'
  readonly ticket: number
  readonly index: number
}

/** The receiver does not lead (any more): ask again. */
export interface ReadIndexRefused {
  readonly type: 'read-index-refused'
  readonly ticket: number
}

/** The leader has begun it, or is there already: by the configuration at `index`. */
export interface ReconfigureAccepted {
  readonly type: 'reconfigure-accepted'
  readonly ticket: number
  readonly index: number
}

export interface ReconfigureRefused {
  readonly type: 'reconfigure-refused'
  readonly ticket: number
  readonly why: ReconfigureRefusal
}

/** The leader tells a node that answers as `heard` that the group knows it as `known`: its disk is not the one that it had. */
export interface IdentityLost {
  readonly type: 'identity-lost'
  readonly heard: number
  readonly known: number
}

/** What two drivers say to each other besides the messages of their cores. */
export type DriverMessage =
  | ForwardRequest
  | ForwardRefused
  | ReadIndexRequest
  | ReadIndexResponse
  | ReadIndexRefused
  | ReconfigureRequest
  | ReconfigureAccepted
  | ReconfigureRefused
  | IdentityLost

/** Everything that goes over the wire. */
export type WireMessage = Message | DriverMessage

/**
 * Of the whole format; a frame of another one is dropped. Within it later versions may add messages, fields at the end of messages,
 * and fields at the end of the header: who does not know them passes over them. Whoever adds one decides what it means when it is not
 * there. A kind of entry is another matter: a node that does not know one must not apply what comes behind it, and stops.
 */
const VERSION = 2

/** The first byte of each message. Numbers are never given a second meaning. */
const TAG = {
  'vote-request': 1,
  'vote-response': 2,
  'append-request': 3,
  'append-accepted': 4,
  'append-rejected': 5,
  'heartbeat-request': 6,
  'heartbeat-response': 7,
  'commit-notice': 8,
  'snapshot-chunk': 9,
  'snapshot-progress': 10,
  'timeout-now': 11,
  'forward-request': 12,
  'forward-refused': 13,
  'read-index-request': 14,
  'read-index-response': 15,
  'read-index-refused': 16,
  'reconfigure-request': 17,
  'reconfigure-accepted': 18,
  'reconfigure-refused': 19,
  'read-lease-request': 20,
  'sleep-request': 21,
  'sleep-response': 22,
  'identity-lost': 23,
  'log-end-request': 24,
  'log-end-response': 25,
} as const satisfies Record<WireMessage['type'], number>

/** Numbers on the wire; never given a second meaning. */
const REFUSAL = {
  'not-leader': 1,
  transferring: 2,
  'not-ready': 3,
  'in-progress': 4,
  unexpected: 5,
  outdated: 6,
  'witness-role': 7,
} as const satisfies Record<ReconfigureRefusal, number>

const FLAG_PRE_VOTE = 1
const FLAG_TRANSFER = 2
const FLAG_GRANTED = 2
const FLAG_ASLEEP = 1

/** The most that a message takes besides its entries and data. */
export const MESSAGE_OVERHEAD_BYTES = 512
/** What an entry or a forwarded proposal takes besides its data. */
export const ITEM_OVERHEAD_BYTES = 24

/** What a frame takes besides its messages. */
export const FRAME_OVERHEAD_BYTES = 10
const INCARNATION_BYTES = 8

/** The size of `message` on the wire, or a little more: for filling frames. */
export function wireBytes(message: WireMessage): number {
  switch (message.type) {
    case 'append-request':
      return message.entries.reduce((sum, entry) => sum + entry.data.length + ITEM_OVERHEAD_BYTES, 64)
    case 'forward-request':
      return message.items.reduce((sum, item) => sum + item.data.length + ITEM_OVERHEAD_BYTES, 64)
    case 'forward-refused':
      return 64 + 8 * message.sequences.length
    case 'snapshot-chunk':
      return 64 + message.context.length + message.data.length
    case 'vote-response':
      return 64 + (message.why === undefined ? 0 : voteRefusalBytes(message.why))
    case 'reconfigure-request':
      return reconfigureRequestBytes(message)
    default:
      return 64
  }
}

/** One frame with all of `messages`: the version, the header with its length, then each message with its tag and length. */
export function encodeFrame(messages: readonly WireMessage[], incarnation?: number): Uint8Array {
  const writer = new ByteWriter(messages.reduce((sum, message) => sum + wireBytes(message), FRAME_OVERHEAD_BYTES))
  writer.u8(VERSION)
  if (incarnation === undefined) writer.u8(0)
  else writer.u8(INCARNATION_BYTES).u53(incarnation)
  for (const message of messages) {
    writer.u8(TAG[message.type])
    const part = writer.beginPart()
    encodeBody(writer, message)
    writer.endPart(part)
  }
  return writer.finish()
}

function encodeBody(writer: ByteWriter, message: WireMessage): void {
  switch (message.type) {
    case 'vote-request': {
      const flags = (message.preVote ? FLAG_PRE_VOTE : 0) | (message.transfer ? FLAG_TRANSFER : 0)
      writer.u53(message.term).u8(flags).u53(message.lastIndex).u53(message.lastTerm)
      return
    }
    case 'vote-response':
      writer.u53(message.term).u8((message.preVote ? FLAG_PRE_VOTE : 0) | (message.granted ? FLAG_GRANTED : 0))
      if (!message.granted) encodeVoteRefusal(writer, message.why)
      return
    case 'append-request':
      writer.u53(message.term).u53(message.prevIndex).u53(message.prevTerm)
      writer.u53(message.commitIndex).u53(message.round)
      encodeEntries(writer, message.entries)
      return
    case 'append-accepted':
      writer.u53(message.term).u53(message.matchIndex).u53(message.round)
      return
    case 'append-rejected':
      writer.u53(message.term).u53(message.rejectedIndex).u53(message.hintIndex)
      writer.u53(message.hintTerm).u53(message.round)
      writer.u8(message.lostEntries === true ? 1 : 0)
      return
    case 'heartbeat-request':
    case 'sleep-request':
      writer.u53(message.term).u53(message.commitIndex).u53(message.round)
      return
    case 'heartbeat-response':
      writer.u53(message.term).u53(message.round)
      return
    case 'sleep-response':
      writer
        .u53(message.term)
        .u53(message.round)
        .u8(message.asleep ? FLAG_ASLEEP : 0)
      return
    case 'log-end-request':
      writer.u53(message.term).u53(message.ticket)
      return
    case 'log-end-response':
      writer.u53(message.term).u53(message.ticket).u53(message.lastIndex)
      return
    case 'commit-notice':
      writer.u53(message.term).u53(message.commitIndex)
      return
    case 'snapshot-chunk':
      writer.u53(message.term).u53(message.snapshotIndex).u53(message.snapshotTerm)
      writer.u53(message.offset).u53(message.totalBytes).bytes(message.context).bytes(message.data)
      writer.u8(message.checksums === undefined ? 0 : 1)
      if (message.checksums !== undefined) writer.u32(message.checksums.chunk).u32(message.checksums.whole)
      return
    case 'snapshot-progress':
      writer.u53(message.term).u53(message.snapshotIndex).u53(message.nextOffset)
      writer.u8(message.resendFrom === undefined ? 0 : 1)
      if (message.resendFrom !== undefined) writer.u53(message.resendFrom)
      writer.u8(message.unreadable === true ? 1 : 0)
      return
    case 'timeout-now':
      writer.u53(message.term)
      return
    default:
      encodeDriverBody(writer, message)
  }
}

function encodeDriverBody(writer: ByteWriter, message: DriverMessage): void {
  switch (message.type) {
    case 'forward-request':
      writer.u32(message.items.length)
      for (const item of message.items) writer.u53(item.sequence).u8(item.kind).bytes(item.data)
      return
    case 'forward-refused':
      writer.u32(message.sequences.length)
      for (const sequence of message.sequences) writer.u53(sequence)
      return
    case 'read-index-response':
    case 'reconfigure-accepted':
      writer.u53(message.ticket).u53(message.index)
      return
    case 'reconfigure-request':
      encodeReconfigureRequest(writer, message)
      return
    case 'identity-lost':
      writer.u53(message.heard).u53(message.known)
      return
    case 'reconfigure-refused':
      writer.u53(message.ticket).u8(REFUSAL[message.why])
      return
    case 'read-index-request':
    case 'read-lease-request':
    case 'read-index-refused':
      writer.u53(message.ticket)
  }
}

/** Entries have consecutive indices, so the first one's stands for all. */
function encodeEntries(writer: ByteWriter, entries: readonly LogEntry[]): void {
  writer.u32(entries.length)
  for (const entry of entries) writer.u53(entry.term).u8(entry.kind).bytes(entry.data)
}

/**
 * Reads a frame: the messages that this version knows, without the fields that it does not know. Throws {@link MalformedError} when the
 * frame is of another version of the format, cut, or foreign.
 */
export function decodeFrame(frame: Uint8Array): WireMessage[] {
  return readMessages(frame, VERSION, decodeMessage)
}

/** The incarnation of the node that has sent the frame; absent where an older version has. Throws {@link MalformedError}. */
export function incarnationIn(frame: Uint8Array): number | undefined {
  const reader = new ByteReader(frame)
  reader.u8()
  const length = reader.u8()
  return length < INCARNATION_BYTES ? undefined : reader.u53()
}

function decodeMessage(tag: number, reader: ByteReader): WireMessage | undefined {
  switch (tag) {
    case TAG['vote-request']: {
      const term = reader.u53()
      const flags = reader.u8()
      return {
        type: 'vote-request',
        term,
        preVote: (flags & FLAG_PRE_VOTE) !== 0,
        transfer: (flags & FLAG_TRANSFER) !== 0,
        lastIndex: reader.u53(),
        lastTerm: reader.u53(),
      }
    }
    case TAG['vote-response']: {
      const term = reader.u53()
      const flags = reader.u8()
      const preVote = (flags & FLAG_PRE_VOTE) !== 0
      const granted = (flags & FLAG_GRANTED) !== 0
      // Added later: who does not say why has an earlier version.
      const why = granted || reader.done ? undefined : decodeVoteRefusal(reader)
      return { type: 'vote-response', term, preVote, granted, ...(why === undefined ? {} : { why }) }
    }
    case TAG['append-request']:
      return decodeAppend(reader)
    case TAG['append-accepted']:
      return { type: 'append-accepted', term: reader.u53(), matchIndex: reader.u53(), round: reader.u53() }
    case TAG['append-rejected']:
      return {
        type: 'append-rejected',
        term: reader.u53(),
        rejectedIndex: reader.u53(),
        hintIndex: reader.u53(),
        hintTerm: reader.u53(),
        round: reader.u53(),
        ...(isAbsent(reader) ? {} : { lostEntries: true }),
      }
    case TAG['heartbeat-request']:
      return { type: 'heartbeat-request', term: reader.u53(), commitIndex: reader.u53(), round: reader.u53() }
    case TAG['heartbeat-response']:
      return { type: 'heartbeat-response', term: reader.u53(), round: reader.u53() }
    case TAG['commit-notice']:
      return { type: 'commit-notice', term: reader.u53(), commitIndex: reader.u53() }
    default:
      return decodeRare(tag, reader)
  }
}

/** Returns `undefined` for a message of a later version. */
function decodeRare(tag: number, reader: ByteReader): WireMessage | undefined {
  switch (tag) {
    case TAG['snapshot-chunk']:
      return {
        type: 'snapshot-chunk',
        term: reader.u53(),
        snapshotIndex: reader.u53(),
        snapshotTerm: reader.u53(),
        offset: reader.u53(),
        totalBytes: reader.u53(),
        context: reader.bytes(),
        data: reader.bytes(),
        checksums: isAbsent(reader) ? undefined : { chunk: reader.u32(), whole: reader.u32() },
      }
    case TAG['snapshot-progress']:
      return {
        type: 'snapshot-progress',
        term: reader.u53(),
        snapshotIndex: reader.u53(),
        nextOffset: reader.u53(),
        resendFrom: isAbsent(reader) ? undefined : reader.u53(),
        ...(isAbsent(reader) ? {} : { unreadable: true }),
      }
    case TAG['log-end-request']:
      return { type: 'log-end-request', term: reader.u53(), ticket: reader.u53() }
    case TAG['log-end-response']:
      return { type: 'log-end-response', term: reader.u53(), ticket: reader.u53(), lastIndex: reader.u53() }
    case TAG['timeout-now']:
      return { type: 'timeout-now', term: reader.u53() }
    case TAG['forward-request']:
      return {
        type: 'forward-request',
        items: decodeMany(reader, () => ({ sequence: reader.u53(), kind: reader.u8(), data: reader.bytes() })),
      }
    case TAG['forward-refused']:
      return {
        type: 'forward-refused',
        sequences: decodeMany(reader, () => reader.u53()),
      }
    case TAG['read-index-request']:
      return { type: 'read-index-request', ticket: reader.u53() }
    case TAG['read-lease-request']:
      return { type: 'read-lease-request', ticket: reader.u53() }
    case TAG['read-index-response']:
      return { type: 'read-index-response', ticket: reader.u53(), index: reader.u53() }
    case TAG['read-index-refused']:
      return { type: 'read-index-refused', ticket: reader.u53() }
    case TAG['reconfigure-request']:
      return decodeReconfigureRequest(reader)
    case TAG['sleep-request']:
      return { type: 'sleep-request', term: reader.u53(), commitIndex: reader.u53(), round: reader.u53() }
    case TAG['sleep-response']:
      return {
        type: 'sleep-response',
        term: reader.u53(),
        round: reader.u53(),
        asleep: (reader.u8() & FLAG_ASLEEP) !== 0,
      }
    case TAG['identity-lost']:
      return { type: 'identity-lost', heard: reader.u53(), known: reader.u53() }
    case TAG['reconfigure-accepted']:
      return { type: 'reconfigure-accepted', ticket: reader.u53(), index: reader.u53() }
    case TAG['reconfigure-refused']:
      return { type: 'reconfigure-refused', ticket: reader.u53(), why: decodeRefusal(reader.u8()) }
    default:
      return undefined
  }
}

/** Whether a field is not there: the sender said so, or is of a version that did not know it. */
const isAbsent = (reader: ByteReader): boolean => reader.done || reader.u8() === 0

/** A reason that only a later version knows is one to ask again. */
function decodeRefusal(code: number): ReconfigureRefusal {
  const known = Object.entries(REFUSAL).find(([, value]) => value === code)
  return known === undefined ? 'not-ready' : (known[0] as ReconfigureRefusal)
}

function decodeAppend(reader: ByteReader): WireMessage {
  const term = reader.u53()
  const prevIndex = reader.u53()
  const prevTerm = reader.u53()
  const commitIndex = reader.u53()
  const round = reader.u53()
  let index = prevIndex
  const entries = decodeMany(reader, () => ({
    index: ++index,
    term: reader.u53(),
    kind: reader.u8(),
    data: reader.bytes(),
  }))
  return { type: 'append-request', term, prevIndex, prevTerm, commitIndex, round, entries }
}

/** The count is not believed before the bytes are there: each item reads at least one, or the reader throws. */
function decodeMany<T>(reader: ByteReader, decodeOne: () => T): T[] {
  const count = reader.u32()
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(decodeOne())
  return items
}

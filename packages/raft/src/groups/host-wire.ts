import { type ByteReader, ByteWriter, MalformedError } from '../bytes.ts'
import { readMessages } from '../framing.ts'
import { GROUP_PATTERN } from '../resolve-options.ts'
import type { SleepDigest, SleepingGroup } from './sleep-set.ts'

/** A frame of one group. */
export interface GroupFrame {
  readonly type: 'group-frame'
  readonly group: string
  /** The life of the receiver that it is meant for; any, when `undefined`. */
  readonly generation: number | undefined
  readonly frame: Uint8Array
}

/** This host lives, and leads groups with this digest that sleep at the receiver. */
export interface Beat extends SleepDigest {
  readonly type: 'beat'
}

/** Groups that sleep at the sender, which leads them with the receiver as a follower, or follows the receiver. Answered by those that do not. */
export interface AsleepList {
  readonly type: 'asleep-leading' | 'asleep-following'
  /** The receiver's list is wanted too. */
  readonly wantsYours: boolean
  readonly groups: readonly SleepingGroup[]
}

/** In these the sender does not take the part that the receiver has in mind: they must not sleep for its sake. */
export interface AwakeList {
  readonly type: 'awake'
  readonly groups: readonly SleepingGroup[]
}

/** Everything that two hosts say to each other. */
export type HostMessage = GroupFrame | Beat | AsleepList | AwakeList

/** Of the whole format. Within it later versions may add messages, and fields at the end of messages and of the header, as in `wire.ts`. */
const VERSION = 1

/** Numbers are never given a second meaning. */
const TAG = {
  'group-frame': 1,
  beat: 2,
  'asleep-leading': 3,
  'asleep-following': 4,
  awake: 5,
} as const satisfies Record<HostMessage['type'], number>

/** What a frame takes besides its messages: the version, and the length of the header. */
export const HOST_FRAME_OVERHEAD_BYTES = 2
/** What a message takes besides its fields: the tag, and its length. */
const TAG_BYTES = 5
/** What a frame of a group takes besides itself and the name: two lengths, and the generation. */
const GROUP_FRAME_BYTES = TAG_BYTES + 16
/** What an item of a list takes besides the name. */
const ITEM_BYTES = 12
/** The longest name of a group. */
const MAX_GROUP_BYTES = 48
/** By so much the frames of a group must be smaller than those of the transport. */
export const GROUP_OVERHEAD_BYTES: number = HOST_FRAME_OVERHEAD_BYTES + GROUP_FRAME_BYTES + MAX_GROUP_BYTES

const listBytes = (groups: readonly SleepingGroup[]): number =>
  groups.reduce((sum, { group }) => sum + group.length + ITEM_BYTES, TAG_BYTES + 4)

/** The size on the wire, exactly. */
export function hostBytes(message: HostMessage): number {
  if (message.type === 'group-frame') return GROUP_FRAME_BYTES + message.group.length + message.frame.length
  if (message.type === 'beat') return TAG_BYTES + 12
  return listBytes(message.groups) + (message.type === 'awake' ? 0 : 1)
}

/** The groups in as many parts as it takes for each to fit a frame; at least one. */
export function partsOf(groups: readonly SleepingGroup[], maxFrameBytes: number): SleepingGroup[][] {
  const atOnce = Math.max(1, Math.floor((maxFrameBytes - 16) / (MAX_GROUP_BYTES + ITEM_BYTES)))
  const parts: SleepingGroup[][] = [groups.slice(0, atOnce)]
  for (let from = atOnce; from < groups.length; from += atOnce) parts.push(groups.slice(from, from + atOnce))
  return parts
}

/** One frame with all of `messages`: the version, the header with its length, then each message with its tag and length. */
export function encodeHostFrame(messages: readonly HostMessage[]): Uint8Array {
  const writer = new ByteWriter(messages.reduce((sum, message) => sum + hostBytes(message), HOST_FRAME_OVERHEAD_BYTES))
  // The header is empty in this version.
  writer.u8(VERSION).u8(0)
  for (const message of messages) {
    writer.u8(TAG[message.type])
    const part = writer.beginPart()
    encodeBody(writer, message)
    writer.endPart(part)
  }
  return writer.finish()
}

function encodeBody(writer: ByteWriter, message: HostMessage): void {
  switch (message.type) {
    case 'group-frame':
      writer.text(message.group).u53(message.generation ?? 0)
      writer.bytes(message.frame)
      break
    case 'beat':
      writer.u32(message.count).u32(message.low).u32(message.high)
      break
    case 'awake':
      encodeGroups(writer, message.groups)
      break
    default:
      writer.u8(message.wantsYours ? 1 : 0)
      encodeGroups(writer, message.groups)
  }
}

function encodeGroups(writer: ByteWriter, groups: readonly SleepingGroup[]): void {
  writer.u32(groups.length)
  for (const { group, term } of groups) writer.text(group).u53(term)
}

/** Reads a frame of a host: the messages that this version knows. Throws {@link MalformedError} when it is of another version, cut, or foreign. */
export function decodeHostFrame(frame: Uint8Array): HostMessage[] {
  return readMessages(frame, VERSION, decodeBody)
}

function decodeBody(tag: number, reader: ByteReader): HostMessage | undefined {
  switch (tag) {
    case TAG['group-frame']: {
      const group = readName(reader)
      const generation = reader.u53()
      return {
        type: 'group-frame',
        group,
        generation: generation === 0 ? undefined : generation,
        frame: reader.bytes(),
      }
    }
    case TAG.beat:
      return { type: 'beat', count: reader.u32(), low: reader.u32(), high: reader.u32() }
    case TAG['asleep-leading']:
      return { type: 'asleep-leading', wantsYours: reader.u8() === 1, groups: readGroups(reader) }
    case TAG['asleep-following']:
      return { type: 'asleep-following', wantsYours: reader.u8() === 1, groups: readGroups(reader) }
    case TAG.awake:
      return { type: 'awake', groups: readGroups(reader) }
    default:
      return undefined
  }
}

/** The count is not believed before the bytes are there. */
function readGroups(reader: ByteReader): SleepingGroup[] {
  const count = reader.u32()
  const groups: SleepingGroup[] = []
  for (let i = 0; i < count; i++) groups.push({ group: readName(reader), term: reader.u53() })
  return groups
}

/** Nothing else is believed to be a name, as it is sent back, and goes into a frame by its length. */
function readName(reader: ByteReader): string {
  const bytes = reader.bytes()
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  if (!GROUP_PATTERN.test(name)) throw new MalformedError(`a name of ${bytes.length} bytes is none of a group`)
  return name
}

import { ByteReader, ByteWriter, MalformedError, utf8Length } from '@dsys/runtime/bytes'

/** The versions of the protocol that this code speaks. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export const VERSIONS: VersionRange = Object.freeze({ min: 1, max: 1 })

export const INSTANCE_BYTES = 16
export const NONCE_BYTES = 32

/** No frame of a handshake is longer: ids and the cluster are at most 128 characters of four bytes. */
export const MAX_HANDSHAKE_BYTES = 4_096

/** The first frame, of the node that dialled. */
export interface Hello {
  readonly versions: VersionRange
  /** Whether it has a secret. */
  readonly proves: boolean
  readonly cluster: string
  readonly id: string
  readonly generation: number
  /** Drawn at the start of the process, so that two with one id and generation are told apart. */
  readonly instance: Uint8Array
  /** Whom it means to talk to. */
  readonly to: string
  /** The lowest life of the other node that it looks for; 0 is any. */
  readonly wanted: number
  /** Counts the dials of this instance to that node, from 1. */
  readonly dial: number
  readonly nonce: Uint8Array
  readonly maxFrameBytes: number
}

/** The answer of the node that was dialled. */
export interface Welcome {
  readonly version: number
  readonly id: string
  readonly generation: number
  readonly instance: Uint8Array
  readonly nonce: Uint8Array
  readonly maxFrameBytes: number
}

/** Why a node was turned away. */
export type Refusal =
  | 'version'
  | 'cluster'
  | 'wrong-node'
  | 'earlier-life'
  | 'unproved'
  | 'stale'
  | 'conflict'
  | 'duplicate'
  | 'full'
  | 'stopping'

/** The numbers are on the wire. */
const REFUSALS: Readonly<Record<Refusal, number>> = Object.freeze({
  version: 1,
  cluster: 2,
  'wrong-node': 3,
  'earlier-life': 4,
  unproved: 5,
  stale: 6,
  conflict: 7,
  duplicate: 8,
  full: 9,
  stopping: 10,
})

const REFUSAL_OF: ReadonlyMap<number, Refusal> = new Map(
  Object.entries(REFUSALS).map(([name, code]) => [code, name as Refusal]),
)

const MAGIC = 0x44535953
const PROVES = 1

function putText(out: ByteWriter, text: string): void {
  const bytes = utf8Length(text)
  out.u16(bytes).utf8(text, bytes)
}

const takeText = (bytes: ByteReader): string => bytes.utf8(bytes.u16())
const takeBytes = (bytes: ByteReader, length: number): Uint8Array => new Uint8Array(bytes.raw(length))

export function encodeHello(hello: Hello): Buffer {
  const out = new ByteWriter()
    .u32(MAGIC)
    .u8(hello.versions.min)
    .u8(hello.versions.max)
    .u8(hello.proves ? PROVES : 0)
  putText(out, hello.cluster)
  putText(out, hello.id)
  out.u53(hello.generation).raw(hello.instance)
  putText(out, hello.to)
  return out.u53(hello.wanted).u53(hello.dial).raw(hello.nonce).u32(hello.maxFrameBytes).written()
}

/** Throws MalformedError. What follows the known fields belongs to later versions, and is left alone. */
export function decodeHello(payload: Uint8Array): Hello {
  const bytes = new ByteReader(payload)
  if (bytes.u32() !== MAGIC) throw new MalformedError('this is no greeting of dsys')
  const versions = { min: bytes.u8(), max: bytes.u8() }
  const proves = (bytes.u8() & PROVES) !== 0
  return {
    versions,
    proves,
    cluster: takeText(bytes),
    id: takeText(bytes),
    generation: bytes.u53(),
    instance: takeBytes(bytes, INSTANCE_BYTES),
    to: takeText(bytes),
    wanted: bytes.u53(),
    dial: bytes.u53(),
    nonce: takeBytes(bytes, NONCE_BYTES),
    maxFrameBytes: bytes.u32(),
  }
}

export function encodeWelcome(welcome: Welcome): Buffer {
  const out = new ByteWriter().u32(MAGIC).u8(welcome.version)
  putText(out, welcome.id)
  return out.u53(welcome.generation).raw(welcome.instance).raw(welcome.nonce).u32(welcome.maxFrameBytes).written()
}

/** The proof of the node that was dialled, empty where there is none, and what it proves. */
export function encodeProved(proof: Uint8Array, welcome: Uint8Array): Buffer {
  return new ByteWriter().u8(proof.byteLength).raw(proof).raw(welcome).written()
}

/** Throws MalformedError. */
export function decodeProved(payload: Uint8Array): { readonly proof: Uint8Array; readonly welcome: Uint8Array } {
  const bytes = new ByteReader(payload)
  return { proof: bytes.raw(bytes.u8()), welcome: bytes.rest() }
}

/** Throws MalformedError. */
export function decodeWelcome(payload: Uint8Array): Welcome {
  const bytes = new ByteReader(payload)
  if (bytes.u32() !== MAGIC) throw new MalformedError('this is no greeting of dsys')
  return {
    version: bytes.u8(),
    id: takeText(bytes),
    generation: bytes.u53(),
    instance: takeBytes(bytes, INSTANCE_BYTES),
    nonce: takeBytes(bytes, NONCE_BYTES),
    maxFrameBytes: bytes.u32(),
  }
}

/** The last frame of a handshake: how often the node that was dialled had itself dialled the other by then. */
export function encodeReady(dials: number): Buffer {
  return new ByteWriter(8).u53(dials).written()
}

export function decodeReady(payload: Uint8Array): number {
  return new ByteReader(payload).u53()
}

const REFUSE_BYTES = 9

/** A refusal or a farewell: a code, and the generation that it speaks of, 0 where it speaks of none. */
export function encodeRefuse(refusal: Refusal, generation = 0): Buffer {
  return new ByteWriter(REFUSE_BYTES).u8(REFUSALS[refusal]).u53(generation).written()
}

/** `refusal` is undefined for one that a later version may know. Throws MalformedError. */
export function decodeRefuse(payload: Uint8Array): {
  readonly refusal: Refusal | undefined
  readonly generation: number
  /** What {@link encodeRefuse} wrote. */
  readonly said: Uint8Array
  /** Of what was said, in a handshake; empty where there is none. */
  readonly proof: Uint8Array
} {
  const bytes = new ByteReader(payload)
  const refusal = REFUSAL_OF.get(bytes.u8())
  const generation = bytes.u53()
  return { refusal, generation, said: payload.subarray(0, REFUSE_BYTES), proof: bytes.rest() }
}

import { bufferOf, crc32 } from '@dsys/runtime/bytes'
import { type StateChange, StateCorruptionError } from '@dsys/storage'
import type { StoredChange } from './engine.ts'

/** What is stored of the storage itself comes before all keys of its users. */
const OWN = 0
const USER = 1
const CHECKSUM_BYTES = 4

/** Where the version of the format stands. */
export const FORMAT_KEY: Uint8Array = Uint8Array.of(OWN, 0x66)
/** The format that is written: a byte before each key, and behind each value the checksum of key and value. */
export const FORMAT_VERSION = 1
/** Before every key of a user. */
export const FIRST_KEY: Uint8Array = Uint8Array.of(USER)
/** Behind every key of a user. */
export const END_KEY: Uint8Array = Uint8Array.of(USER + 1)

export function storedKey(key: Uint8Array): Uint8Array {
  const stored = new Uint8Array(1 + key.length)
  stored[0] = USER
  stored.set(key, 1)
  return stored
}

export const keyOf = (stored: Uint8Array): Uint8Array => stored.subarray(1)

/** A copy, as it is stored: the caller may do with its bytes what it wants from then on. */
export function storedChange(change: StateChange): StoredChange {
  const key = storedKey(change.key)
  if (change.type === 'delete') return { key, value: undefined }
  const value = Buffer.allocUnsafeSlow(change.value.length + CHECKSUM_BYTES)
  value.set(change.value, 0)
  value.writeUInt32LE(crc32(change.value, crc32(change.key)), change.value.length)
  return { key, value }
}

/** The value that was stored under `key`. Throws StateCorruptionError when it is not what was written there. */
export function checkedValue(directory: string, key: Uint8Array, stored: Uint8Array): Uint8Array {
  const length = stored.length - CHECKSUM_BYTES
  const value = stored.subarray(0, Math.max(0, length))
  if (length >= 0 && bufferOf(stored).readUInt32LE(length) === crc32(value, crc32(key))) return value
  const name = bufferOf(key).subarray(0, 64).toString('hex')
  throw new StateCorruptionError(directory, `the value under the key ${name} (hex) does not match its checksum`)
}

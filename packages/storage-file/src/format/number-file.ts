import { crc32 } from 'node:zlib'
import { readU64, writeU64 } from './bytes.ts'

const MAGIC_BYTES = 8

/** How long a file is that holds one number. */
export const NUMBER_FILE_BYTES = 20

/** A file that holds one number: what it is (8 bytes), the number, and a checksum of both. */
export function encodeNumber(magic: string, number: number): Buffer {
  const content = Buffer.alloc(NUMBER_FILE_BYTES)
  content.write(magic, 'latin1')
  writeU64(content, MAGIC_BYTES, number)
  content.writeUInt32LE(crc32(content.subarray(0, 16)), 16)
  return content
}

/** The number in such a file; `undefined` when it is not whole. */
export function decodeNumber(magic: string, content: Buffer): number | undefined {
  if (content.length !== NUMBER_FILE_BYTES || content.toString('latin1', 0, MAGIC_BYTES) !== magic) return undefined
  return content.readUInt32LE(16) === crc32(content.subarray(0, 16)) ? readU64(content, MAGIC_BYTES) : undefined
}

import { ByteReader, MalformedError } from '@dsys/runtime/bytes'
import { FormatError } from '../errors.ts'

/**
 * What `read` makes of `bytes`, all of them, behind the byte that says the version of the format. Whatever is missing, left over,
 * out of range or of another version throws {@link FormatError}.
 *
 * @param what is read, for error messages.
 */
export function decoding<T>(what: string, version: number, bytes: Uint8Array, read: (reader: ByteReader) => T): T {
  try {
    const reader = new ByteReader(bytes)
    const found = reader.u8()
    if (found !== version) {
      throw new MalformedError(`its format version is ${found}, and this release reads ${version}`)
    }
    const value = read(reader)
    reader.expectEnd()
    return value
  } catch (error) {
    throw error instanceof MalformedError ? new FormatError(what, error.message) : error
  }
}

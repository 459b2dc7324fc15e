import { ByteReader, MalformedError } from './bytes.ts'

/**
 * Reads the messages of a frame: a version, a header with its length, then each message with its tag and length. What `decode` leaves of a
 * message is passed over, and so is a message of which it makes nothing: only a later version knows them. Throws {@link MalformedError} when the
 * frame is of another version of the format, cut, or foreign.
 */
export function readMessages<Message>(
  frame: Uint8Array,
  version: number,
  decode: (tag: number, reader: ByteReader) => Message | undefined,
): Message[] {
  const reader = new ByteReader(frame)
  const found = reader.u8()
  if (found !== version) throw new MalformedError(`version ${found} is not ${version}`)
  reader.leave(reader.enterBytes(reader.u8()))
  const messages: Message[] = []
  while (!reader.done) {
    const tag = reader.u8()
    const outerEnd = reader.enter()
    const message = decode(tag, reader)
    if (message !== undefined) messages.push(message)
    reader.leave(outerEnd)
  }
  return messages
}

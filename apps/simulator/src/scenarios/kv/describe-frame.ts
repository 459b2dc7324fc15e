import { decodeFrame } from '@dsys/raft/core'

/** A frame in words, for a trace that people read: its messages, and of bytes how many there are. */
export function describeFrame(_channel: string, frame: Uint8Array): string {
  return decodeFrame(frame)
    .map((message) =>
      JSON.stringify(message, (_name, value: unknown) => (value instanceof Uint8Array ? value.length : value)),
    )
    .join(' ')
}

import type { Destination, Transport } from '@dsys/transport'
import { expect, test } from 'vitest'
import type { AppendRequest } from '../src/core/messages.ts'
import { Outgoing } from '../src/outgoing.ts'
import { decodeFrame } from '../src/wire.ts'

const MAX_FRAME_BYTES = 4_096
const CONFIG = { maxFrameBytes: MAX_FRAME_BYTES, incarnation: 2 ** 48 - 1, buggify: undefined }

/** What left, by peer. */
function sending(): { readonly outgoing: Outgoing; readonly sent: Map<string, Uint8Array[]> } {
  const sent = new Map<string, Uint8Array[]>()
  const transport = {
    connection: 'connected',
    send: ({ id }: Destination, _channel: string, frame: Uint8Array) => {
      sent.set(id, [...(sent.get(id) ?? []), frame])
      return true
    },
  } as unknown as Transport
  return { outgoing: new Outgoing(transport, 'raft-test', CONFIG), sent }
}

const append = (prevIndex: number, entries = 1): AppendRequest => ({
  type: 'append-request',
  term: 2,
  prevIndex,
  prevTerm: 1,
  commitIndex: 0,
  round: 1,
  entries: Array.from({ length: entries }, (_, i) => ({
    index: prevIndex + 1 + i,
    term: 2,
    kind: 1,
    data: Buffer.alloc(1_500, i),
  })),
})

test('the same messages for several peers are encoded once, into as many frames as they need', () => {
  const { outgoing, sent } = sending()
  const messages = [append(4, 2), append(6, 2)]
  for (const message of messages) for (const id of ['n2', 'n3']) outgoing.add(id, message)
  outgoing.flush()
  const [second = [], third = []] = [sent.get('n2'), sent.get('n3')]
  expect(second).toHaveLength(2)
  expect(third).toHaveLength(2)
  for (const [i, frame] of second.entries()) expect(third[i]).toBe(frame)
  expect(second.flatMap((frame) => decodeFrame(frame))).toEqual(messages)
})

test('each peer gets its own messages, however much they look like those of another', () => {
  const { outgoing, sent } = sending()
  const shared = append(4)
  const wanted = new Map([
    ['n2', [shared]],
    ['n3', [append(7)]],
    ['n4', [shared, append(5)]],
    ['n5', [append(3), append(5)]],
  ])
  for (const [id, messages] of wanted) for (const message of messages) outgoing.add(id, message)
  outgoing.flush()
  for (const [id, messages] of wanted) {
    expect((sent.get(id) ?? []).flatMap((frame) => decodeFrame(frame))).toEqual(messages)
  }
})

import { expect, test } from 'vitest'
import type { SnapshotChunk } from '../src/core/messages.ts'
import { SnapshotReceiver } from '../src/snapshot-transfer.ts'

const chunk = (offset: number): SnapshotChunk => ({
  type: 'snapshot-chunk',
  term: 3,
  snapshotIndex: 10,
  snapshotTerm: 2,
  context: new Uint8Array(0),
  offset,
  totalBytes: 8,
  data: Uint8Array.of(1, 2, 3, 4),
})

test('half a snapshot is kept while the log is behind it, and dropped once nobody needs it', () => {
  const receiver = new SnapshotReceiver()
  receiver.receive('n1', chunk(0))
  receiver.forget(9)
  expect(receiver.receive('n1', chunk(4)).whole?.content).toHaveLength(8)
  receiver.receive('n1', chunk(0))
  receiver.forget(10)
  expect(receiver.receive('n1', chunk(4))).toEqual({ nextOffset: 0 })
})

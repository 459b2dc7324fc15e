import type { StoredSnapshot } from '@dsys/storage'
import { expect, test } from 'vitest'
import { SnapshotSender } from '../src/snapshot-transfer.ts'

const SIZE_BYTES = 40
const CHUNK_BYTES = 4

/** A snapshot whose reads end when the test says so. */
function slowSnapshot(): { readonly snapshot: StoredSnapshot; readonly endRead: () => void } {
  let end = (): void => undefined
  const snapshot: StoredSnapshot = {
    meta: { index: 7, term: 2, context: new Uint8Array(0) },
    sizeBytes: SIZE_BYTES,
    read: async (offset, maxBytes) => {
      await new Promise<void>((resolve) => {
        end = resolve
      })
      return new Uint8Array(Math.min(maxBytes, SIZE_BYTES - offset))
    },
  }
  return { snapshot, endRead: () => end() }
}

test('P-35: a late word that something is missing leaves no gap, also when a chunk is being read just then', async () => {
  const { snapshot, endRead } = slowSnapshot()
  const sender = new SnapshotSender({ chunkBytes: CHUNK_BYTES, resendAfterMs: 100 })
  sender.begin('n2', snapshot, 0)
  const sent: number[] = []
  const chunk = (during = (): void => undefined): Promise<void> | undefined => {
    const read = sender.read('n2', () => 0)
    during()
    endRead()
    return read?.then((next) => void (next !== undefined && sent.push(next.chunk.offset)))
  }
  const answer = (nextOffset: number, resendFrom?: number): void =>
    sender.progress('n2', { type: 'snapshot-progress', term: 2, snapshotIndex: 7, nextOffset, resendFrom })
  await chunk()
  answer(4)
  for (let i = 0; i < 4; i++) await chunk()
  answer(12)
  // An answer of long ago arrives while the chunk at 20 is read; what it says was true once.
  await chunk(() => answer(4, 4))
  answer(12)
  sent.length = 0
  for (let i = 0; i < 8; i++) await chunk()
  expect(sent).toEqual(expect.arrayContaining([12, 16, 20, 24, 28, 32, 36]))
})

test('a long configuration does not make the chunks small, unless the frame does', async () => {
  const bytes = async (roomBytes: number): Promise<number | undefined> => {
    const { snapshot, endRead } = slowSnapshot()
    const meta = { ...snapshot.meta, context: new Uint8Array(100) }
    const sender = new SnapshotSender({ chunkBytes: 8, roomBytes, resendAfterMs: 100 })
    sender.begin('n2', { ...snapshot, meta }, 0)
    const read = sender.read('n2', () => 0)
    endRead()
    return (await read)?.chunk.data.length
  }
  expect(await bytes(1_000)).toBe(8)
  expect(await bytes(106)).toBe(6)
})

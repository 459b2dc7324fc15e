import { SeededRandom, VirtualClock } from '@dsys/runtime'
import { crc32 } from '@dsys/runtime/bytes'
import type { StoredSnapshot } from '@dsys/storage'
import { describe, expect, test } from 'vitest'
import type { SnapshotChunk, SnapshotProgress } from '../src/core/messages.ts'
import { SessionTable } from '../src/sessions.ts'
import type { DecodedSnapshot } from '../src/snapshot-content.ts'
import { IncomingSnapshot, UnreadableSnapshotError } from '../src/snapshot-incoming.ts'
import { type ChunkToSend, MAX_SENDINGS, SendingPlaces, SnapshotSender } from '../src/snapshot-transfer.ts'
import { AbandonedError, TurnBudget, Turns } from '../src/turns.ts'

const KIB = 1_024
const RESEND_AFTER_MS = 1_000
const NOTHING = new Uint8Array(0)

function stored(sizeBytes: number, index = 10): StoredSnapshot {
  const content = Buffer.alloc(sizeBytes, index)
  const read = async (offset: number, maxBytes: number): Promise<Uint8Array> =>
    content.subarray(offset, offset + maxBytes)
  return { meta: { index, term: 2, context: NOTHING }, sizeBytes, read }
}

const progress = (nextOffset: number, resendFrom?: number): SnapshotProgress => ({
  type: 'snapshot-progress',
  term: 3,
  snapshotIndex: 10,
  nextOffset,
  resendFrom,
})

describe('sending', () => {
  /** Everything that a sender would send now, by offset. */
  async function sentNow(sender: SnapshotSender, nowMs = 0, to = 'n2'): Promise<number[]> {
    const offsets: number[] = []
    let step: ChunkToSend | undefined
    do {
      step = await sender.read(to, () => nowMs)
      if (step !== undefined) offsets.push(step.chunk.offset)
    } while (step !== undefined && offsets.length < 1_000)
    return offsets
  }

  function begun(chunkBytes: number, sizeBytes: number): SnapshotSender {
    const sender = new SnapshotSender({ chunkBytes, resendAfterMs: RESEND_AFTER_MS })
    expect(sender.begin('n2', stored(sizeBytes), 77)).toBe(true)
    return sender
  }

  test('P-36: one chunk asks, then a window is under way and no more, by bytes or by number', async () => {
    const large = begun(256 * KIB, 8_192 * KIB)
    expect(await sentNow(large)).toEqual([0])
    large.progress('n2', progress(256 * KIB))
    expect(await sentNow(large)).toEqual([256, 512, 768, 1_024].map((at) => at * KIB))
    expect(await sentNow(large)).toEqual([])
    large.progress('n2', progress(768 * KIB))
    expect(await sentNow(large)).toEqual([1_280, 1_536].map((at) => at * KIB))
    const small = begun(KIB, 8_192 * KIB)
    expect(await sentNow(small)).toHaveLength(1)
    small.progress('n2', progress(KIB))
    expect(await sentNow(small)).toHaveLength(16)
  })

  test('P-37: goes on behind what the follower has, of whatever attempt', async () => {
    const sender = begun(KIB, 100 * KIB)
    expect(await sentNow(sender)).toEqual([0])
    sender.progress('n2', progress(90 * KIB + 100))
    expect((await sentNow(sender))[0]).toBe(90 * KIB + 100)
  })

  test('sends a chunk again that is asked for, that one alone', async () => {
    const sender = begun(KIB, 8 * KIB)
    await sentNow(sender)
    sender.progress('n2', progress(KIB))
    await sentNow(sender)
    sender.progress('n2', progress(2 * KIB, 4 * KIB))
    expect(await sentNow(sender)).toEqual([4 * KIB])
    // What has arrived is not asked for; it is an answer that was long on its way.
    sender.progress('n2', progress(5 * KIB))
    sender.progress('n2', progress(2 * KIB))
    expect(await sentNow(sender)).toEqual([])
  })

  test('begins anew for a follower that has lost what it had', async () => {
    const sender = begun(KIB, 8 * KIB)
    await sentNow(sender)
    sender.progress('n2', progress(3 * KIB))
    await sentNow(sender)
    sender.progress('n2', progress(0, 0))
    expect(await sentNow(sender)).toEqual(Array.from({ length: 8 }, (_, i) => i * KIB))
  })

  test('sends again what got no answer, and gives up a follower that never answers', async () => {
    const sender = begun(KIB, 2 * KIB)
    await sentNow(sender)
    expect(sender.remind(RESEND_AFTER_MS)).toEqual([])
    expect(await sentNow(sender)).toEqual([])
    for (let attempt = 1; attempt < 10; attempt++) {
      const nowMs = attempt * (RESEND_AFTER_MS + 1)
      expect(sender.remind(nowMs)).toEqual([])
      expect(await sentNow(sender, nowMs)).toEqual([0])
    }
    expect(sender.remind(20 * RESEND_AFTER_MS)).toEqual(['n2'])
  })

  test('P-35: looks again where a follower stands that has all of it and does not say that it is installed', async () => {
    const sender = begun(KIB, KIB)
    await sentNow(sender)
    sender.progress('n2', progress(KIB))
    expect(sender.remind(RESEND_AFTER_MS)).toEqual([])
    expect(sender.remind(RESEND_AFTER_MS + 1)).toEqual(['n2'])
  })

  test('reads side by side, and sends in order', async () => {
    const sender = new SnapshotSender({ chunkBytes: KIB, resendAfterMs: RESEND_AFTER_MS })
    const waiting: (() => void)[] = []
    const snapshot = stored(4 * KIB)
    const read = async (offset: number, maxBytes: number): Promise<Uint8Array> => {
      if (offset > 0) await new Promise<void>((resolve) => waiting.unshift(resolve))
      return snapshot.read(offset, maxBytes)
    }
    sender.begin('n2', { ...snapshot, read }, 1)
    expect(await sentNow(sender)).toEqual([0])
    sender.progress('n2', progress(KIB))
    const offsets: (number | undefined)[] = []
    for (let step = sender.read('n2', () => 0); step !== undefined; step = sender.read('n2', () => 0))
      void step.then((chunk) => offsets.push(chunk?.chunk.offset))
    await Promise.resolve()
    expect(waiting.length).toBe(3)
    for (const go of waiting) {
      go()
      for (let i = 0; i < 20; i++) await Promise.resolve()
    }
    expect(offsets).toEqual([1, 2, 3].map((at) => at * KIB))
  })

  test('sends to no more than a few at once, over all groups of a node', () => {
    const places = new SendingPlaces()
    const sender = new SnapshotSender({ chunkBytes: KIB, resendAfterMs: RESEND_AFTER_MS }, places)
    const ofOtherGroup = new SnapshotSender({ chunkBytes: KIB, resendAfterMs: RESEND_AFTER_MS }, places)
    for (let i = 0; i < MAX_SENDINGS; i++) expect(sender.begin(`n${i}`, stored(KIB), 1)).toBe(true)
    expect(sender.begin('late', stored(KIB), 1)).toBe(false)
    expect(sender.begin('n0', stored(KIB, 11), 1)).toBe(true)
    expect(ofOtherGroup.begin('late', stored(KIB), 1)).toBe(false)
    sender.end('n1')
    sender.end('n1')
    expect(ofOtherGroup.begin('late', stored(KIB), 1)).toBe(true)
    expect(sender.begin('n1', stored(KIB), 1)).toBe(false)
    sender.endAll()
    expect(ofOtherGroup.begin('later', stored(KIB), 1)).toBe(true)
  })

  test('a stored snapshot that ends too early is an error, and no endless reading', async () => {
    const sender = new SnapshotSender({ chunkBytes: KIB, resendAfterMs: RESEND_AFTER_MS })
    sender.begin('n2', { ...stored(KIB), read: async () => NOTHING }, 1)
    await expect(sender.read('n2', () => 0)).rejects.toThrow('ends at 0 of')
  })
})

describe('arriving', () => {
  const CONTENT = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 31) % 251))
  const WHOLE = crc32(CONTENT)

  const chunkAt = (offset: number, bytes: number, other: Partial<SnapshotChunk> = {}): SnapshotChunk => {
    const data = CONTENT.subarray(offset, offset + bytes)
    return {
      ...{ type: 'snapshot-chunk', term: 3, snapshotIndex: 10, snapshotTerm: 2, context: NOTHING },
      ...{ offset, totalBytes: CONTENT.length, data, checksums: { chunk: crc32(data), whole: WHOLE } },
      ...other,
    }
  }

  /** What a decoder would find that takes bytes as they are. */
  async function decoded(content: AsyncIterable<Uint8Array>): Promise<DecodedSnapshot<undefined, never>> {
    let checksum = 0
    for await (const piece of content) checksum = crc32(piece, checksum)
    return { sessions: new SessionTable(), state: undefined, checksum }
  }

  interface Arriving {
    readonly incoming: IncomingSnapshot
    readonly disk: AsyncGenerator<Uint8Array, void, undefined>
    readonly steps: string[]
  }

  function begin(first = chunkAt(0, 100)): Arriving {
    const steps: string[] = []
    const turns = new Turns(new TurnBudget(new VirtualClock()))
    const incoming = new IncomingSnapshot('n1', first, turns, 0, () => void steps.push(`stored ${incoming.nextOffset}`))
    const decoding = decoded(incoming.toDecode)
    decoding.catch(() => undefined)
    const disk = incoming.content(decoding, async () => void steps.push('before the end'))
    return { incoming, disk, steps }
  }

  async function all(disk: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of disk) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  test('is put together from chunks in any order, twice, overlapping and of any size', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new SeededRandom(seed)
      const { incoming, disk, steps } = begin()
      const content = all(disk)
      for (let i = 0; !incoming.isWhole; i++) {
        const offset = random.float() < 0.3 ? random.integer(0, CONTENT.length) : Math.max(0, incoming.nextOffset - 50)
        incoming.add('n1', chunkAt(offset, random.integer(1, 900)), 0)
        if (i % 3 === 0) await Promise.resolve()
      }
      expect(await content).toEqual(CONTENT)
      expect(incoming.nextOffset).toBe(CONTENT.length)
      expect(steps.at(-1)).toBe('before the end')
    }
  })

  test('P-36: says of no more than the disk has asked for behind it', async () => {
    const { incoming, disk } = begin()
    for (let at = 0; at < 1_000; at += 100) expect(incoming.add('n1', chunkAt(at, 100), 0).type).toBe('taken')
    expect(incoming.nextOffset).toBe(0)
    await disk.next()
    await disk.next()
    await disk.next()
    expect(incoming.nextOffset).toBeLessThanOrEqual(300)
    expect(incoming.nextOffset).toBeGreaterThan(0)
  })

  test('keeps no more than a few windows in memory, whatever is sent', () => {
    const totalBytes = 2 ** 40
    const data = Buffer.alloc(512 * KIB)
    const checksums = { chunk: crc32(data), whole: WHOLE }
    const { incoming } = begin(chunkAt(0, 0, { totalBytes, data }))
    let taken = 0
    for (let i = 0; i < 40; i++) {
      const chunk = chunkAt(0, 0, { offset: i * data.length, totalBytes, data, checksums })
      if (incoming.add('n1', chunk, 0).type === 'taken') taken++
    }
    expect(taken).toBe(8)
    const gap = begin(chunkAt(0, 0, { totalBytes, data }))
    for (let i = 1; i < 40; i++)
      gap.incoming.add('n1', chunkAt(0, 0, { offset: i * data.length, totalBytes, data, checksums }), 0)
    expect(gap.incoming.add('n1', chunkAt(0, 0, { offset: 0, totalBytes, data, checksums }), 0).type).toBe('taken')
  })

  test('a chunk that was damaged is asked for again, and not taken', () => {
    const { incoming } = begin()
    expect(incoming.add('n1', chunkAt(0, 100), 0)).toEqual({ type: 'taken' })
    const damaged = Buffer.from(chunkAt(100, 100).data)
    damaged[5] = (damaged[5] as number) ^ 1
    expect(incoming.add('n1', { ...chunkAt(100, 100), data: damaged }, 0)).toEqual({ type: 'wanted', offset: 100 })
    expect(incoming.add('n1', chunkAt(100, 100), 0)).toEqual({ type: 'taken' })
  })

  test('what is missing before others is asked for once', () => {
    const { incoming } = begin()
    expect(incoming.add('n1', chunkAt(200, 100), 0)).toEqual({ type: 'wanted', offset: 0 })
    expect(incoming.add('n1', chunkAt(300, 100), 0)).toEqual({ type: 'known' })
    expect(incoming.add('n1', chunkAt(0, 100), 0)).toEqual({ type: 'taken' })
    expect(incoming.add('n1', chunkAt(400, 100), 0)).toEqual({ type: 'wanted', offset: 100 })
  })

  test('a whole that is not what was announced never gets to its end on the disk', async () => {
    const checksums = { chunk: crc32(CONTENT), whole: WHOLE + 1 }
    const { incoming, disk, steps } = begin(chunkAt(0, 5_000, { checksums }))
    const content = all(disk)
    incoming.add('n1', chunkAt(0, 5_000, { checksums }), 0)
    await expect(content).rejects.toThrow(UnreadableSnapshotError)
    expect(steps).not.toContain('before the end')
  })

  test('a decoder that fails ends it at once, with its error', async () => {
    const { incoming } = begin()
    const decoding = (async () => {
      for await (const _ of incoming.toDecode) throw new Error('nobody can read this')
      throw new Error('it was empty')
    })()
    decoding.catch(() => undefined)
    const content = all(incoming.content(decoding, async () => undefined))
    incoming.add('n1', chunkAt(0, 100), 0)
    await expect(content).rejects.toMatchObject({ cause: new Error('nobody can read this') })
  })

  test('ends when it is given up, also while it waits for more', async () => {
    const { incoming, disk } = begin()
    incoming.add('n1', chunkAt(0, 100), 0)
    const content = all(disk)
    await Promise.resolve()
    incoming.abandon('another is sent')
    await expect(content).rejects.toThrow(AbandonedError)
  })

  test('P-37: goes on under another leader that has the same snapshot, and no other', () => {
    const { incoming } = begin()
    expect(incoming.isPart('n3', chunkAt(500, 100, { term: 4 }))).toBe(true)
    const other = { chunk: 1, whole: WHOLE + 1 }
    for (const different of [{ checksums: other }, { snapshotTerm: 1 }, { snapshotIndex: 11 }, { totalBytes: 5_001 }])
      expect(incoming.isPart('n1', chunkAt(500, 100, different))).toBe(false)
    const unnamed = begin(chunkAt(0, 100, { checksums: undefined })).incoming
    expect(unnamed.isPart('n1', chunkAt(100, 100, { checksums: undefined }))).toBe(true)
    expect(unnamed.isPart('n3', chunkAt(100, 100, { checksums: undefined }))).toBe(false)
    expect(unnamed.isPart('n1', chunkAt(100, 100, { checksums: undefined, term: 4 }))).toBe(false)
  })
})

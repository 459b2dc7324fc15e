import { KeyspaceUnknownError, Kv, MAX_KEY_BYTES } from '@dsys/kv'
import { NoLeaderError } from '@dsys/raft'
import { json, rawBytes, utf8 } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { FakeRaft } from './fake-raft.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const text = () => {
  const raft = new FakeRaft()
  return { raft, keyspace: new Kv({ raft }).linearizable('default', { codec: utf8 }) }
}

describe('a linearizable keyspace', () => {
  test('reads what was put, with the revision of the change and of the creation', async () => {
    const { keyspace } = text()
    expect(await keyspace.get('a')).toBeUndefined()
    expect(await keyspace.put('a', 'one')).toEqual({ revision: 1 })
    expect(await keyspace.put('b', 'two')).toEqual({ revision: 2 })
    expect(await keyspace.put('a', 'three')).toEqual({ revision: 3 })
    expect(await keyspace.get('a')).toEqual({ value: 'three', revision: 3, createRevision: 1 })
  })

  test('creates a key once, and shows the entry that is there', async () => {
    const { keyspace } = text()
    expect(await keyspace.create('a', 'one')).toEqual({ created: true, revision: 1 })
    expect(await keyspace.create('a', 'two')).toEqual({
      created: false,
      actual: { value: 'one', revision: 1, createRevision: 1 },
    })
    expect((await keyspace.get('a'))?.value).toBe('one')
  })

  test('updates only the revision that was read', async () => {
    const { keyspace } = text()
    expect(await keyspace.update('a', 'x', { revision: 1 })).toEqual({ updated: false, actual: undefined })
    await keyspace.put('a', 'one')
    expect(await keyspace.update('a', 'two', { revision: 1 })).toEqual({ updated: true, revision: 2 })
    expect(await keyspace.update('a', 'three', { revision: 1 })).toEqual({
      updated: false,
      actual: { value: 'two', revision: 2, createRevision: 1 },
    })
  })

  test('deletes, conditionally too; a missing key uses up no revision, and a revision never comes back', async () => {
    const { keyspace } = text()
    expect(await keyspace.delete('a')).toEqual({ deleted: false, actual: undefined })
    expect(await keyspace.put('a', 'one')).toEqual({ revision: 1 })
    expect(await keyspace.delete('a', { revision: 7 })).toMatchObject({ deleted: false, actual: { revision: 1 } })
    expect(await keyspace.delete('a', { revision: 1 })).toEqual({ deleted: true, revision: 2 })
    expect(await keyspace.delete('a', { revision: 1 })).toEqual({ deleted: false, actual: undefined })
    expect(await keyspace.create('a', 'again')).toEqual({ created: true, revision: 3 })
    expect(await keyspace.update('a', 'stale', { revision: 1 })).toMatchObject({ updated: false })
    expect(await keyspace.get('a')).toEqual({ value: 'again', revision: 3, createRevision: 3 })
  })

  test('keeps keyspaces apart, each with revisions of its own', async () => {
    const kv = new Kv(
      { raft: new FakeRaft() },
      { keyspaces: { a: { consistency: 'linearizable' }, b: { consistency: 'linearizable' } } },
    )
    await kv.linearizable('a').put('k', bytes(1))
    await kv.linearizable('a').put('k', bytes(2))
    expect(await kv.linearizable('b').put('k', bytes(3))).toEqual({ revision: 1 })
    expect((await kv.linearizable('a').get('k'))?.value).toEqual(Buffer.from([2]))
  })

  test('carries values through its codec', async () => {
    const stock = new Kv({ raft: new FakeRaft() }).linearizable('default', { codec: json<{ quantity: number }>() })
    await stock.put('sku/1', { quantity: 3 })
    expect(await stock.get('sku/1')).toMatchObject({ value: { quantity: 3 } })
  })

  test('a caller who writes into its bytes, before or after, changes nothing that is stored', async () => {
    const keyspace = new Kv({ raft: new FakeRaft() }).linearizable('default', { codec: rawBytes })
    const value = bytes(1, 2, 3)
    await keyspace.put('a', value)
    value.fill(9)
    const read = await keyspace.get('a')
    read?.value.fill(8)
    expect((await keyspace.get('a'))?.value).toEqual(Buffer.from([1, 2, 3]))
    const failed = await keyspace.create('a', bytes(0))
    if (!failed.created) failed.actual.value.fill(7)
    expect((await keyspace.get('a'))?.value).toEqual(Buffer.from([1, 2, 3]))
  })

  test('passes deadline, signal and consistency on to Raft, and its errors through', async () => {
    const { raft, keyspace } = text()
    const { signal } = new AbortController()
    await keyspace.put('a', 'x', { timeoutMs: 7, signal })
    await keyspace.get('a', { consistency: 'stale' })
    expect(raft.calls).toEqual([{ timeoutMs: 7, signal }, { consistency: 'stale' }])
    raft.failWith = new NoLeaderError('main', 7)
    await expect(keyspace.put('a', 'y')).rejects.toMatchObject({ code: 'DSYS_RAFT_NO_LEADER', outcome: 'not-applied' })
  })
})

describe('keys', () => {
  test('are bytes; text is its UTF-8', async () => {
    const { keyspace } = text()
    await keyspace.put('käse/☃', 'cheese')
    expect((await keyspace.get(Buffer.from('käse/☃', 'utf8')))?.value).toBe('cheese')
    await keyspace.put(bytes(0xff, 0x00, 0x2f), 'raw')
    expect((await keyspace.get(bytes(0xff, 0x00, 0x2f)))?.value).toBe('raw')
    // U+00FF is two bytes in UTF-8, and so not the key of the one byte 0xff.
    expect(await keyspace.get('\u00ff\u0000/')).toBeUndefined()
  })

  test('have 1 to 1,024 bytes', async () => {
    const { keyspace, raft } = text()
    const code = 'DSYS_KV_KEY_INVALID'
    await keyspace.put('x'.repeat(MAX_KEY_BYTES), 'fits')
    await keyspace.put('☃'.repeat(341), 'fits')
    const before = raft.calls.length
    for (const key of ['', bytes(), 'x'.repeat(MAX_KEY_BYTES + 1), '☃'.repeat(342), '\ud800', 'a\udc00b']) {
      for (const call of [
        keyspace.get(key),
        keyspace.put(key, ''),
        keyspace.create(key, ''),
        keyspace.update(key, '', { revision: 1 }),
        keyspace.delete(key),
      ]) {
        await expect(call).rejects.toMatchObject({ code, outcome: 'not-applied', retryable: false })
      }
    }
    expect(raft.calls.length).toBe(before)
  })
})

describe('limits and misuse', () => {
  test('a value over the limit is refused before anything is proposed', async () => {
    const raft = new FakeRaft()
    const keyspace = new Kv({ raft }, { maxValueBytes: 3 }).linearizable('default', { codec: utf8 })
    await keyspace.put('a', 'abc')
    for (const call of [
      keyspace.put('a', 'abcd'),
      keyspace.create('b', 'abcd'),
      keyspace.update('a', '☃☃', { revision: 1 }),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'DSYS_KV_VALUE_TOO_LARGE', maxValueBytes: 3 })
    }
    expect(raft.index).toBe(1)
  })

  test('the largest value with the longest key fits into the default command of Raft', () => {
    const size = new Kv({ raft: new FakeRaft() }).maxValueBytes
    expect(size).toBe(256 * 1024)
    expect(size + MAX_KEY_BYTES + 64 + 13).toBeLessThan(512 * 1024)
  })

  test('an undeclared keyspace is refused, also one that is named like a property of every object', () => {
    const kv = new Kv({ raft: new FakeRaft() })
    for (const name of ['other', 'constructor', 'toString', '']) {
      expect(() => kv.linearizable(name)).toThrow(KeyspaceUnknownError)
    }
    expect(kv.keyspaces).toEqual(['default'])
  })

  test('options and revisions out of range are misuse', async () => {
    const raft = new FakeRaft()
    expect(() => new Kv({ raft }, { maxValueBytes: -1 })).toThrow(RangeError)
    expect(() => new Kv({ raft }, { keyspaces: { 'A b': { consistency: 'linearizable' } } })).toThrow(RangeError)
    expect(() => new Kv({ raft }, { keyspaces: { a: { consistency: 'eventual' as 'linearizable' } } })).toThrow(
      RangeError,
    )
    const keyspace = new Kv({ raft }).linearizable('default')
    for (const revision of [0, -1, 1.5, Number.NaN, 2 ** 60]) {
      await expect(keyspace.update('a', bytes(), { revision })).rejects.toThrow(RangeError)
      await expect(keyspace.delete('a', { revision })).rejects.toThrow(RangeError)
    }
  })

  test('statistics count entries, bytes and changes', async () => {
    const raft = new FakeRaft()
    const kv = new Kv({ raft })
    const keyspace = kv.linearizable('default', { codec: utf8 })
    const empty = { name: 'default', consistency: 'linearizable', entries: 0, sizeBytes: 0, revision: 0 }
    expect(await kv.statistics()).toEqual([empty])
    await keyspace.put('abc', 'hello')
    await keyspace.put('abc', 'hi')
    await keyspace.put('d', '☃')
    expect(await kv.statistics()).toEqual([{ ...empty, entries: 2, sizeBytes: 9, revision: 3 }])
    await keyspace.delete('abc')
    expect(await kv.statistics()).toEqual([{ ...empty, entries: 1, sizeBytes: 4, revision: 4 }])
  })
})

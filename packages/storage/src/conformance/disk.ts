import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { Disk } from '../disk.ts'
import { crashes } from './disk-crashes.ts'
import { bytes, type DiskCase, type DiskFactory, read, using, write } from './disk-place.ts'
import { register, type TestRunner } from './runner.ts'

const sorted = async (disk: Disk, directory: string): Promise<string[]> => [...(await disk.list(directory))].sort()

const files: readonly DiskCase[] = [
  {
    name: 'a missing file is refused, unless it is to be created',
    run: async ({ disk }) => {
      await rejects(disk.open('a'), { code: 'DSYS_STORAGE_FILE_MISSING', path: 'a' })
      equal(await using(disk, 'a', { create: true }, (file) => file.sizeBytes()), 0)
      equal(await using(disk, 'a', {}, (file) => file.sizeBytes()), 0)
    },
  },
  {
    name: 'opening with create keeps what is there',
    run: async ({ disk }) => {
      await write(disk, 'a', 'hello')
      equal(await using(disk, 'a', { create: true }, (file) => file.sizeBytes()), 5)
      equal(await read(disk, 'a'), 'hello')
    },
  },
  {
    name: 'reads give what was written, and less only at the end',
    run: ({ disk }) =>
      using(disk, 'a', { create: true }, async (file) => {
        await file.write(0, bytes('hello world'))
        await file.write(6, bytes('there'))
        equal(Buffer.from(await file.read(0, 11)).toString(), 'hello there')
        equal(Buffer.from(await file.read(4, 3)).toString(), 'o t')
        equal(Buffer.from(await file.read(9, 100)).toString(), 're')
        equal((await file.read(11, 5)).length, 0)
        equal((await file.read(500, 5)).length, 0)
      }),
  },
  {
    name: 'a write behind the end leaves zeros between',
    run: ({ disk }) =>
      using(disk, 'a', { create: true }, async (file) => {
        await file.write(0, bytes('ab'))
        await file.write(4, bytes('c'))
        deepEqual([...(await file.read(0, 10))], [97, 98, 0, 0, 99])
        equal(await file.sizeBytes(), 5)
      }),
  },
  {
    name: 'truncate cuts and extends with zeros',
    run: ({ disk }) =>
      using(disk, 'a', { create: true }, async (file) => {
        await file.write(0, bytes('abcdef'))
        await file.truncate(3)
        equal(await file.sizeBytes(), 3)
        await file.truncate(5)
        deepEqual([...(await file.read(0, 10))], [97, 98, 99, 0, 0])
      }),
  },
  {
    name: 'a large write lands whole',
    run: ({ disk }) =>
      using(disk, 'a', { create: true }, async (file) => {
        const data = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251)
        await file.write(7, data)
        equal(await file.sizeBytes(), 300_007)
        deepEqual(Buffer.compare(await file.read(7, 300_000), data), 0)
      }),
  },
  {
    name: 'the caller may reuse its buffer once a write has resolved',
    run: ({ disk }) =>
      using(disk, 'a', { create: true }, async (file) => {
        const data = bytes('abc')
        await file.write(0, data)
        data.fill(0)
        const found = await file.read(0, 3)
        equal(Buffer.from(found).toString(), 'abc')
        found.fill(0)
        equal(Buffer.from(await file.read(0, 3)).toString(), 'abc')
      }),
  },
  {
    name: 'durable writes read back like others',
    run: ({ disk }) =>
      using(disk, 'a', { create: true, durableWrites: true }, async (file) => {
        await file.write(0, bytes('hello'))
        equal(Buffer.from(await file.read(0, 5)).toString(), 'hello')
      }),
  },
  {
    name: 'a closed file refuses everything, also when another file was opened since; closing it twice does nothing',
    run: async ({ disk }) => {
      const file = await disk.open('a', { create: true })
      await file.write(0, bytes('hello'))
      await Promise.all([file.close(), file.close()])
      // On many systems this one gets the number of the closed one.
      await using(disk, 'b', { create: true }, async (other) => {
        await other.write(0, bytes('other'))
        const closed = { code: 'DSYS_STORAGE_FILE_CLOSED', outcome: 'not-applied', path: 'a' }
        await rejects(file.read(0, 5), closed)
        await rejects(file.write(0, bytes('HELLO')), closed)
        await rejects(file.sync(), closed)
        await rejects(file.truncate(0), closed)
        await rejects(file.sizeBytes(), closed)
        await file.close()
        equal(Buffer.from(await other.read(0, 10)).toString(), 'other')
      })
      equal(await read(disk, 'a'), 'hello')
    },
  },
  {
    name: 'closing waits for the operations under way, and those that come meanwhile are refused',
    run: async ({ disk }) => {
      const file = await disk.open('a', { create: true })
      const data = new Uint8Array(300_000).fill(7)
      const ended: string[] = []
      const writing = [0, 300_000].map((position) => file.write(position, data).then(() => ended.push('written')))
      const reading = [1, 2, 3].map(() => file.read(0, 1_000).then(() => ended.push('read')))
      const syncing = file.sync()
      const closing = file.close().then(() => ended.push('closed'))
      const late = rejects(file.write(0, bytes('late')), { code: 'DSYS_STORAGE_FILE_CLOSED' })
      await Promise.all([...writing, ...reading, syncing, closing, late])
      equal(ended.indexOf('closed'), 5)
      await using(disk, 'a', {}, async (again) => {
        equal(await again.sizeBytes(), 600_000)
        ok((await again.read(0, 600_000)).every((byte) => byte === 7))
      })
    },
  },
]

const names: readonly DiskCase[] = [
  {
    name: 'a missing folder lists nothing; folders are made with those above them, twice if need be',
    run: async ({ disk }) => {
      deepEqual(await disk.list('x/y'), [])
      await disk.createDirectory('x/y')
      await disk.createDirectory('x/y')
      deepEqual(await disk.list('x/y'), [])
      await write(disk, 'x/y/one', '1')
      await write(disk, 'x/y/two', '2')
      deepEqual(await sorted(disk, 'x/y'), ['one', 'two'])
    },
  },
  {
    name: 'a rename replaces what is there',
    run: async ({ disk }) => {
      await write(disk, 'a', 'new')
      await write(disk, 'b', 'old')
      await disk.rename('a', 'b')
      equal(await read(disk, 'b'), 'new')
      await rejects(disk.open('a'), { code: 'DSYS_STORAGE_FILE_MISSING' })
      await rejects(disk.rename('a', 'b'), { code: 'DSYS_STORAGE_FILE_MISSING', path: 'a' })
    },
  },
  {
    name: 'an open file stays usable when its name changes',
    run: async ({ disk }) => {
      await write(disk, 'a', 'hello')
      await using(disk, 'a', {}, async (file) => {
        await disk.rename('a', 'b')
        await file.write(5, bytes(' there'))
        await file.sync()
      })
      equal(await read(disk, 'b'), 'hello there')
    },
  },
  {
    name: 'remove takes a file away, and does nothing when it is missing',
    run: async ({ disk }) => {
      await write(disk, 'a', 'x')
      await disk.remove('a')
      await disk.remove('a')
      await rejects(disk.open('a'), { code: 'DSYS_STORAGE_FILE_MISSING' })
    },
  },
  {
    name: 'a folder is locked once at a time',
    run: async ({ disk }) => {
      await disk.createDirectory('d')
      const release = await disk.lock('d')
      await rejects(disk.lock('d'), { code: 'DSYS_STORAGE_LOCKED', directory: 'd' })
      await release()
      const again = await disk.lock('d')
      await again()
    },
  },
]

/**
 * Registers the cases that every {@link Disk} must pass. They use the port alone.
 *
 * @param runner the `describe` and `test` of a test runner.
 */
export function diskConformance(runner: TestRunner, factory: DiskFactory): void {
  register(runner, 'Disk conformance: files', files, factory)
  register(runner, 'Disk conformance: names', names, factory)
  register(runner, 'Disk conformance: crashes', crashes, factory)
}

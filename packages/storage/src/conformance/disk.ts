import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { Disk, DiskFile, OpenFileOptions } from '../disk.ts'
import { type Case, register, type TestRunner } from './runner.ts'

/** One disk for one case. Empty at first. */
export interface DiskPlace extends AsyncDisposable {
  readonly disk: Disk
  /** Loses power: what was not durable may be gone, open files are dead, locks are free. For feature `crash`. */
  crash?(): Promise<void> | void
}

/** How the suite makes disks. */
export interface DiskFactory {
  readonly create: () => Promise<DiskPlace>
  /** What the adapter can be put through. Cases that need more are skipped. */
  readonly supports?: readonly 'crash'[]
}

type DiskCase = Case<DiskPlace, 'crash'>

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function using<T>(
  disk: Disk,
  path: string,
  options: OpenFileOptions,
  body: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(path, options)
  try {
    return await body(file)
  } finally {
    await file.close()
  }
}

const write = (disk: Disk, path: string, text: string): Promise<void> =>
  using(disk, path, { create: true }, async (file) => {
    await file.write(0, bytes(text))
    await file.sync()
  })

const read = (disk: Disk, path: string): Promise<string> =>
  using(disk, path, {}, async (file) => Buffer.from(await file.read(0, 1_000)).toString())

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

const crashes: readonly DiskCase[] = [
  {
    name: 'synced bytes under a synced name survive',
    needs: 'crash',
    run: async (place) => {
      await place.disk.createDirectory('d')
      await place.disk.syncDirectory('')
      await write(place.disk, 'd/a', 'kept')
      await place.disk.syncDirectory('d')
      await place.crash?.()
      equal(await read(place.disk, 'd/a'), 'kept')
    },
  },
  {
    name: 'durable writes survive without a sync',
    needs: 'crash',
    run: async (place) => {
      await write(place.disk, 'a', '')
      await place.disk.syncDirectory('')
      const file = await place.disk.open('a', { durableWrites: true })
      await file.write(0, bytes('kept'))
      await place.crash?.()
      equal(await read(place.disk, 'a'), 'kept')
    },
  },
  {
    name: 'a rename survives once its folder was synced',
    needs: 'crash',
    run: async (place) => {
      await write(place.disk, 'old', 'before')
      await place.disk.syncDirectory('')
      await write(place.disk, 'aside', 'after')
      await place.disk.rename('aside', 'old')
      await place.disk.syncDirectory('')
      await place.crash?.()
      equal(await read(place.disk, 'old'), 'after')
      deepEqual(await place.disk.list(''), ['old'])
    },
  },
  {
    name: 'a lock does not outlive its process',
    needs: 'crash',
    run: async (place) => {
      await place.disk.lock('')
      await place.crash?.()
      const release = await place.disk.lock('')
      await release()
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

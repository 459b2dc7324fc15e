import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { SeededRandom } from '@dsys/runtime'
import type { Disk, DiskFile } from '@dsys/storage'
import { MemoryDisk } from '@dsys/storage-memory'
import { describe, test } from 'vitest'

const make = (seed = 1): MemoryDisk => new MemoryDisk(new SeededRandom(seed))
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function put(disk: Disk, path: string, content: string): Promise<DiskFile> {
  const file = await disk.open(path, { create: true })
  await file.write(0, text(content))
  await file.sync()
  return file
}

const get = (disk: MemoryDisk, path: string): string => Buffer.from(disk.content(path)).toString()

/** What the crashes of many seeds leave of what `body` did. */
async function remains(body: (disk: Disk) => Promise<void>, found: (disk: MemoryDisk) => string): Promise<string[]> {
  const all = new Set<string>()
  for (let seed = 1; seed <= 500; seed++) {
    const disk = make(seed)
    await body(disk.mount())
    disk.crash()
    all.add(found(disk))
  }
  return [...all].sort()
}

describe('content', () => {
  test('is what a plain array would hold; a crash gives what was synced, or all, as told', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new SeededRandom(seed)
      const disk = make(seed)
      const file = await disk.mount().open('a', { create: true, durableWrites: seed % 3 === 0 })
      await disk.mount().syncDirectory('')
      let now: number[] = []
      let synced: number[] = []
      for (let step = 0; step < 60; step++) {
        const kind = random.integer(0, 10)
        if (kind < 6) {
          const position = random.integer(0, 40)
          const data = random.bytes(random.integer(0, 30))
          if (data.length > 0) while (now.length < position) now.push(0)
          now.splice(position, data.length, ...data)
          await file.write(position, data)
        } else if (kind < 8) {
          const size = random.integer(0, 60)
          now = Array.from({ length: size }, (_, i) => now[i] ?? 0)
          await file.truncate(size)
        } else await file.sync()
        if (kind >= 8 || seed % 3 === 0) synced = [...now]
        deepEqual([...(await file.read(0, 1_000))], now)
      }
      disk.crash(seed % 2 === 0 ? 'lost' : 'kept')
      deepEqual([...disk.content('a')], seed % 2 === 0 ? synced : now)
    }
  })

  test('that was not synced is lost, kept, or torn at any byte', async () => {
    const found = await remains(
      async (disk) => {
        const file = await put(disk, 'a', 'abcd')
        await disk.syncDirectory('')
        await file.write(0, text('ABCD'))
      },
      (disk) => get(disk, 'a'),
    )
    deepEqual(found, ['ABCD', 'ABCd', 'ABcd', 'Abcd', 'abcd'])
  })

  test('is torn by sectors in any order', async () => {
    const marks = (content: string): string => [0, 512, 1_024].map((at) => content[at]).join('')
    const found = await remains(
      async (disk) => {
        const file = await put(disk, 'a', 'a'.repeat(1_536))
        await disk.syncDirectory('')
        await file.write(0, text('A'.repeat(1_536)))
      },
      (disk) => marks(get(disk, 'a')),
    )
    deepEqual(found, ['AAA', 'AAa', 'AaA', 'Aaa', 'aAA', 'aAa', 'aaA', 'aaa'])
  })

  test('of later writes may be there before that of earlier ones, and an earlier one may come last', async () => {
    const found = await remains(
      async (disk) => {
        const file = await put(disk, 'a', '...')
        await disk.syncDirectory('')
        await file.write(0, text('1'))
        await file.write(1, text('2'))
        await file.write(2, text('x'))
        await file.write(2, text('y'))
      },
      (disk) => get(disk, 'a'),
    )
    for (const expected of ['...', '1..', '.2.', '12y', '12x', '..x', '..y']) ok(found.includes(expected), expected)
  })

  test('that is durable is not overtaken by what came before it', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const disk = make(seed)
      const mount = disk.mount()
      const loose = await put(mount, 'a', '....')
      await mount.syncDirectory('')
      const durable = await mount.open('a', { durableWrites: true })
      await loose.write(0, text('xx'))
      await loose.truncate(0)
      await durable.write(0, text('D'))
      await loose.write(1, text('y'))
      disk.crash()
      equal(get(disk, 'a')[0], 'D')
    }
  })

  test('is torn where told: exactly so many bytes of the next write reach the disk', async () => {
    for (let bytes = 0; bytes <= 6; bytes++) {
      const disk = make()
      const file = await put(disk.mount(), 'a', 'abcd')
      await disk.mount().syncDirectory('')
      disk.tearNextWrite(bytes)
      await rejects(file.write(2, text('WXYZ')), { name: 'PowerLossError' })
      await rejects(file.read(0, 1), { name: 'PowerLossError' })
      disk.crash()
      equal(get(disk, 'a'), `ab${'WXYZ'.slice(0, bytes)}${bytes === 0 ? 'cd' : bytes === 1 ? 'd' : ''}`)
    }
  })

  test('written while a sync runs is not covered by it', async () => {
    const disk = make()
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const mount = disk.mount({
      gate: async (operation, effect) => {
        if (operation.type === 'sync') await released
        return effect('done')
      },
    })
    const file = await mount.open('a', { create: true })
    await mount.syncDirectory('')
    await file.write(0, text('1'))
    const syncing = file.sync()
    await file.write(1, text('2'))
    release()
    await syncing
    disk.crash('lost')
    equal(get(disk, 'a'), '1')
  })
})

describe('names', () => {
  test('that were not synced are there or not, whatever was synced of the files', async () => {
    const list = (disk: MemoryDisk): string =>
      disk
        .files()
        .map(({ path }) => path)
        .sort()
        .join(' ')
    const created = await remains(async (disk) => {
      await put(disk, 'a', '1')
      await put(disk, 'b', '2')
    }, list)
    deepEqual(created, ['', 'a', 'a b', 'b'])
    const moved = await remains(async (disk) => {
      await put(disk, 'a', '1')
      await disk.createDirectory('d')
      await disk.syncDirectory('')
      await disk.rename('a', 'd/b')
      await disk.syncDirectory('d')
    }, list)
    deepEqual(moved, ['a', 'd/b'], 'a rename is one change, also between folders')
    const removed = await remains(async (disk) => {
      await put(disk, 'a', '1')
      await disk.syncDirectory('')
      await disk.remove('a')
    }, list)
    deepEqual(removed, ['', 'a'])
  })

  test('that were synced stay, whatever was before them', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const disk = make(seed)
      const mount = disk.mount()
      await mount.createDirectory('d')
      await mount.syncDirectory('')
      await put(mount, 'a', 'old')
      await mount.rename('a', 'd/a')
      await mount.syncDirectory('')
      await put(mount, 'a', 'new')
      await mount.syncDirectory('')
      disk.crash()
      equal(get(disk, 'a'), 'new')
    }
  })

  test('that a sync covers stay, also when a sync of another folder ends while it runs', async () => {
    const disk = make()
    const gates = new Map<string, () => void>()
    const mount = disk.mount({
      gate: async ({ type, path }, effect) => {
        if (type === 'sync-directory' && path !== '') await new Promise<void>((resolve) => gates.set(path, resolve))
        return effect('done')
      },
    })
    await mount.createDirectory('d')
    await mount.createDirectory('e')
    await mount.syncDirectory('')
    await put(mount, 'd/a', '1')
    await put(mount, 'e/b', '2')
    const [first, second] = [mount.syncDirectory('d'), mount.syncDirectory('e')]
    gates.get('e')?.()
    await second
    gates.get('d')?.()
    await first
    disk.crash('lost')
    deepEqual(
      disk
        .files()
        .map(({ path }) => path)
        .sort(),
      ['d/a', 'e/b'],
    )
  })

  test('of folders are lost with all that is in them, unless the folder above was synced', async () => {
    const found = await remains(
      async (disk) => {
        await disk.createDirectory('d/e')
        await put(disk, 'd/e/a', '1')
        await disk.syncDirectory('d/e')
        await disk.syncDirectory('')
      },
      (disk) =>
        disk
          .files()
          .map(({ path }) => path)
          .join(),
    )
    deepEqual(found, ['', 'd/e/a'])
  })
})

describe('errors', () => {
  test('of a sync leave what is read, and take away what was to be written, also after a sync that succeeds', async () => {
    let [lost, evicted] = [0, 0]
    for (let seed = 1; seed <= 40; seed++) {
      const disk = make(seed)
      const mount = disk.mount()
      const file = await put(mount, 'a', 'old')
      await mount.syncDirectory('')
      await file.write(0, text('new'))
      disk.failOnce()
      await rejects(file.sync(), { code: 'EIO' })
      await file.write(3, text('!'))
      await file.sync()
      equal(get(disk, 'a').length, 4)
      equal(Buffer.from(await file.read(0, 9)).toString(), 'new!')
      if (seed % 2 === 0) {
        disk.crash()
        if (get(disk, 'a') !== 'new!') lost++
      } else {
        disk.evict()
        const found = Buffer.from(await file.read(0, 9)).toString()
        equal(found.length, 4)
        equal(found[3], '!')
        if (found !== 'new!') evicted++
      }
    }
    ok(lost > 3, `${lost} were lost`)
    ok(evicted > 3, `${evicted} were read no more`)
  })

  test('of a durable write leave it readable, and writing it again makes it durable', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = make(seed)
      const mount = disk.mount()
      await put(mount, 'a', 'old')
      await mount.syncDirectory('')
      const file = await mount.open('a', { durableWrites: true })
      disk.failOnce()
      await rejects(file.write(0, text('new')), { code: 'EIO' })
      equal(Buffer.from(await file.read(0, 9)).toString(), 'new')
      await file.write(0, text('new'))
      disk.crash('lost')
      equal(get(disk, 'a'), 'new')
    }
  })

  test('of reading come once, where told', async () => {
    const disk = make()
    const file = await put(disk.mount(), 'a', 'abc')
    disk.failRead(1)
    await file.read(0, 1)
    equal(disk.readWillFail, true)
    await rejects(file.read(0, 1), { code: 'EIO' })
    equal(disk.readWillFail, false)
    await file.read(0, 1)
  })

  test('of a full disk come in the middle of a write, and go when there is room', async () => {
    const disk = make()
    const mount = disk.mount()
    const file = await put(mount, 'a', 'abc')
    disk.limit(disk.usedBytes + 2)
    await rejects(file.write(1, text('12345')), { code: 'ENOSPC' })
    equal(get(disk, 'a'), 'a1234')
    await file.write(0, text('A'))
    await rejects(mount.open('b', { create: true }), { code: 'ENOSPC' })
    await rejects(mount.createDirectory('d'), { code: 'ENOSPC' })
    await file.truncate(1)
    await put(mount, 'b', 'x')
    disk.limit(undefined)
    await file.write(0, text('a'.repeat(1_000)))
  })
})

describe('lives', () => {
  test('a killed process loses no byte, and its files and locks are dead', async () => {
    const disk = make()
    const mount = disk.mount()
    const file = await mount.open('a', { create: true })
    await file.write(0, text('abc'))
    await mount.lock('')
    disk.kill()
    await rejects(file.read(0, 1), { name: 'PowerLossError' })
    await rejects(mount.list(''), { name: 'PowerLossError' })
    equal(get(disk, 'a'), 'abc')
    await disk.mount().lock('')
  })

  test('a wiped disk is empty, and the earlier life is dead', async () => {
    const disk = make()
    const file = await put(disk.mount(), 'a', 'abc')
    disk.wipe()
    deepEqual(await disk.mount().list(''), [])
    await rejects(file.write(0, text('x')), { name: 'PowerLossError' })
  })

  test('power goes in the operation that was told', async () => {
    const disk = make()
    const mount = disk.mount()
    disk.crashAt(disk.operations + 1)
    const file = await mount.open('a', { create: true })
    await rejects(file.write(0, text('x')), { name: 'PowerLossError' })
    equal(disk.dead, true)
    await rejects(mount.list(''), { name: 'PowerLossError' })
    disk.crash()
    equal(disk.dead, false)
  })

  test('a flipped bit is read as such, survives a crash, and turning it again mends it', async () => {
    const disk = make()
    await put(disk.mount(), 'a', 'abc')
    await disk.mount().syncDirectory('')
    deepEqual(disk.bitAt(2, 1), { path: 'a', position: 2, bit: 1 })
    equal(disk.bitAt(3, 1), undefined)
    disk.flip({ path: 'a', position: 2, bit: 1 })
    disk.crash()
    equal(get(disk, 'a'), 'aba')
    disk.flip({ path: 'a', position: 2, bit: 1 })
    equal(get(disk, 'a'), 'abc')
    const flipped = disk.flipAny(new SeededRandom(3))
    ok(flipped !== undefined)
    disk.flip(flipped)
    equal(get(disk, 'a'), 'abc')
  })
})

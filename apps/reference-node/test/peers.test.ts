import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Member, PeerStorage } from '@dsys/membership'
import { encodeKnownPeers, type MemberRecord } from '@dsys/membership/wire'
import { nodeDisk } from '@dsys/storage-file'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AddressBook, type KnownMembers, toldAddress } from '../src/peers/address-book.ts'
import { PeerFile } from '../src/peers/peer-file.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const put = (storage: PeerStorage, key: string, value: string): Promise<void> =>
  storage.write([{ type: 'put', key: bytes(key), value: bytes(value) }])

type Disk = ReturnType<typeof nodeDisk>

/** The disk `real`, but for what `otherwise` does. */
function withDisk(real: Disk, otherwise: Partial<Disk>): Disk {
  return {
    open: (path, options) => real.open(path, options),
    list: (path) => real.list(path),
    createDirectory: (path) => real.createDirectory(path),
    rename: (from, to) => real.rename(from, to),
    remove: (path) => real.remove(path),
    syncDirectory: (path) => real.syncDirectory(path),
    lock: (path) => real.lock(path),
    ...otherwise,
  }
}

describe('the file of peers', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'dsys-peers-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))
  const file = (disk = nodeDisk(directory)): PeerFile => new PeerFile(disk)

  test('gives back what was written last, to another process too, and nothing under another key', async () => {
    expect(await file().get(bytes('a'))).toBeUndefined()
    await put(file(), 'a', 'one')
    await put(file(), 'a', 'two')
    expect(Buffer.from((await file().get(bytes('a'))) ?? []).toString()).toBe('two')
    expect(await file().get(bytes('b'))).toBeUndefined()
    expect(readdirSync(directory)).toEqual(['peers'])
  })

  test('that was changed in any byte, or cut anywhere, is damaged; what is written next is read again', async () => {
    await put(file(), 'a', 'one')
    const path = join(directory, 'peers')
    const whole = readFileSync(path)
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      writeFileSync(path, flipped)
      await expect(file().get(bytes('a'))).rejects.toThrow('is damaged')
      writeFileSync(path, whole)
      truncateSync(path, at)
      await expect(file().get(bytes('a'))).rejects.toThrow('is damaged')
    }
    await put(file(), 'a', 'two')
    expect(Buffer.from((await file().get(bytes('a'))) ?? []).toString()).toBe('two')
  })

  test('that is far too large is not read', async () => {
    writeFileSync(join(directory, 'peers'), '')
    truncateSync(join(directory, 'peers'), 2 ** 40)
    await expect(file().get(bytes('a'))).rejects.toThrow(`has ${2 ** 40} bytes`)
  })

  test('is the one before, as long as the new one is not whole and durable', async () => {
    await put(file(), 'a', 'one')
    const real = nodeDisk(directory)
    const done: string[] = []
    const disk = withDisk(real, {
      open: async (path, options) => {
        const opened = await real.open(path, options)
        return {
          read: (position, length) => opened.read(position, length),
          write: (position, data) => opened.write(position, data),
          truncate: (sizeBytes) => opened.truncate(sizeBytes),
          sizeBytes: () => opened.sizeBytes(),
          close: () => opened.close(),
          sync: async () => {
            await opened.sync()
            done.push(`sync ${path}`)
          },
        }
      },
      rename: async (from, to) => {
        done.push(`${from} to ${to}`)
        throw new Error('the power is gone')
      },
    })
    await expect(put(file(disk), 'a', 'two')).rejects.toThrow('the power is gone')
    expect(done).toEqual(['sync peers.tmp', 'peers.tmp to peers'])
    expect(Buffer.from((await file().get(bytes('a'))) ?? []).toString()).toBe('one')
  })

  test('a disk that hangs does not gather what waits for it', async () => {
    let goOn = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const real = nodeDisk(directory)
    const remove = async (path: string): Promise<void> => {
      await gate
      await real.remove(path)
    }
    const slow = file(withDisk(real, { remove }))
    const first = put(slow, 'a', 'one')
    await expect(put(slow, 'a', 'two')).rejects.toThrow('is still being written')
    goOn()
    await first
    await put(slow, 'a', 'three')
    expect(Buffer.from((await slow.get(bytes('a'))) ?? []).toString()).toBe('three')
  })
})

describe('the address book', () => {
  const record = (id: string, tcp?: string): MemberRecord => ({
    ...{ id, generation: 1, incarnation: 0, state: 'alive' },
    metadata: tcp === undefined ? [] : [['tcp', tcp]],
  })
  const holding = (value: Uint8Array): PeerStorage => ({ get: async () => value, write: async () => undefined })
  const members = (...all: readonly (readonly [string, string])[]): KnownMembers => {
    const list = all.map(
      ([id, tcp]) => ({ id, generation: 1, incarnation: 0, state: 'alive', metadata: { tcp } }) as unknown as Member,
    )
    return { member: (id) => list.find((member) => member.id === id), alive: () => list }
  }

  test('has what a member says of itself first, then the configuration, then an earlier run, each place once', async () => {
    const book = new AddressBook(
      new Map([
        ['b', 'old:1'],
        ['c', 'c:1'],
      ]),
    )
    await book
      .over(holding(encodeKnownPeers([record('b', 'before:1'), record('c', 'c:1'), record('d', 'd:1'), record('e')])))
      .get(bytes('key'))
    expect([...book.ids()]).toEqual(['b', 'c', 'b', 'c', 'd'])
    expect(['b', 'c', 'd', 'e'].map((id) => book.find(id))).toEqual([['old:1', 'before:1'], ['c:1'], ['d:1'], []])
    book.follow(members(['a', 'a:1'], ['b', 'new:1']))
    expect(book.find('b')).toEqual(['new:1', 'old:1', 'before:1'])
    expect([...book.ids()]).toEqual(['b', 'c', 'a', 'b'])
  })

  test('goes without what cannot be read, and hands all through', async () => {
    const book = new AddressBook(new Map([['b', 'b:1']]))
    const damaged = Uint8Array.of(9, 9)
    expect(await book.over(holding(damaged)).get(bytes('key'))).toBe(damaged)
    expect([...book.ids()]).toEqual(['b'])
    const failing: PeerStorage = {
      get: () => Promise.reject(new Error('no disk')),
      write: () => Promise.reject(new Error('no disk')),
    }
    await expect(book.over(failing).get(bytes('key'))).rejects.toThrow('no disk')
    await expect(book.over(failing).write([])).rejects.toThrow('no disk')
  })

  test.each([
    ['its address in the configuration', 'n1=a:1', undefined, 'a:1'],
    ['that one also where it listens elsewhere', 'n1=a:1', '0.0.0.0:1', 'a:1'],
    ['where it listens, if it is told no other', 'n2=a:1', 'b:2', 'b:2'],
    ['nothing where it listens at every address', 'n2=a:1', '0.0.0.0:1', undefined],
    ['nothing where it listens at every address of version 6', 'n2=a:1', '[::]:1', undefined],
    ['nothing where the port is not known yet', 'n2=a:1', '127.0.0.1:0', undefined],
  ])('a node tells others %s', (_what, peers, tcpListen, told) => {
    const table = new Map([peers.split('=') as [string, string]])
    expect(toldAddress({ id: 'n1', peers: table, tcpListen })).toBe(told)
  })
})

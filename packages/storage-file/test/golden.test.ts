import { deepEqual, equal } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { VirtualClock } from '@dsys/runtime'
import { bumpGeneration } from '@dsys/storage-file'
import { expect, test } from 'vitest'
import { entry, StorageOnMemory, wal } from './storage-on-memory.ts'

// The format is a contract with the disks of those who run an earlier release. When one of these files must change, the
// format version must change with it. `vitest -u` writes them anew.
const SNAPSHOT = 'n/snapshots/00000001/0000000000000002.snap'

const hex = (bytes: Buffer): string => `${bytes.toString('hex').replace(/(.{64})/g, '$1\n')}\n`

const golden = async (name: string): Promise<Buffer> => {
  const text = await readFile(fileURLToPath(new URL(`golden/${name}.hex`, import.meta.url)), 'utf8')
  return Buffer.from(text.replace(/\s/g, ''), 'hex')
}

/** A log with a record of each kind. */
async function example(): Promise<StorageOnMemory> {
  const world = new StorageOnMemory()
  await world.killed(async (log, storage) => {
    await log.persist({ hardState: { term: 1, votedFor: 'n1' }, entries: [entry(1), entry(2), entry(3)] })
    await log.saveSnapshot({ index: 2, term: 1, context: Buffer.from('voters') }, [Buffer.from('the state at 2')])
    await log.compact(2)
    const other = await storage.openGroup('ü')
    await other.persist({ hardState: { term: 2 ** 40, votedFor: undefined } })
    await other.saveSnapshot({ index: 7, term: 3, context: new Uint8Array(0) }, [])
    await other.resetToSnapshot()
    await log.persist({ entries: [{ index: 3, term: 2, kind: 255, data: new Uint8Array(0) }] })
    const third = await storage.openGroup('third')
    await third.persist({ hardState: { term: 5, votedFor: 'n2', abstention: { throughIndex: 9, term: 4 } } })
    const fourth = await storage.openGroup('fourth')
    await fourth.persist({ hardState: { term: 6, votedFor: undefined, incarnation: 0xa1b2c3d4e5f6 } })
  })
  return world
}

test('the bytes on the disk are those of format version 2', async () => {
  const world = await example()
  const segment = world.bytes(wal(1))
  const end = segment.findLastIndex((byte) => byte !== 0) + 1
  await expect(hex(segment.subarray(0, end))).toMatchFileSnapshot('golden/segment.hex')
  await expect(hex(world.bytes('n/end'))).toMatchFileSnapshot('golden/end.hex')
  await expect(hex(world.bytes(SNAPSHOT))).toMatchFileSnapshot('golden/snapshot.hex')
  const ports = { disk: world.disk.mount(), clock: new VirtualClock() }
  await bumpGeneration(ports, { directory: 'n' })
  await expect(hex(world.bytes('n/generation'))).toMatchFileSnapshot('golden/generation.hex')
})

for (const [version, folder] of [
  [1, 'v1/'],
  [2, ''],
] as const) {
  test(`a disk of format version ${version} is read, and the log goes on`, async () => {
    const world = await example()
    const segment = Buffer.alloc(4_096)
    ;(await golden(`${folder}segment`)).copy(segment)
    world.restore(wal(1), segment)
    world.restore(SNAPSHOT, await golden('snapshot'))
    const end = await golden(`${folder}end`)
    world.edit('n/end', (file) => end.copy(file))
    const last = { index: 3, term: 2, kind: 255, data: new Uint8Array(0) }
    await world.session(async (log, storage) => {
      deepEqual({ ...log.recovered.hardState }, { term: 1, votedFor: 'n1' })
      equal(Buffer.from((await log.snapshot()?.read(0, 100)) ?? []).toString(), 'the state at 2')
      deepEqual(log.recovered.entries, [last])
      const other = await storage.openGroup('ü')
      equal(other.recovered.hardState.term, 2 ** 40)
      equal(other.recovered.snapshot?.index, 7)
      await log.persist({ entries: [{ ...last, index: 4 }] })
    })
    await world.session(async ({ recovered }) => {
      deepEqual({ ...recovered.hardState }, { term: 1, votedFor: 'n1' })
      deepEqual(recovered.entries, [last, { ...last, index: 4 }])
    })
  })
}

import { equal, ok, rejects } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { systemRuntime } from '@dsys/runtime'
import { FileClosedError } from '@dsys/storage'
import { FileLogStorage, nodeDisk } from '@dsys/storage-file'
import { afterEach, beforeEach, test } from 'vitest'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dsys-node-disk-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const locked = { code: 'DSYS_STORAGE_LOCKED', retryable: true }

/** The pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid as number
}

test('the lock of a dead process is taken over', async () => {
  await writeFile(join(directory, 'lock'), JSON.stringify({ pid: await deadPid(), startedAs: 'x', nonce: 'aa' }))
  const release = await nodeDisk(directory).lock('')
  await rejects(nodeDisk(directory).lock(''), locked)
  await release()
  equal((await readdir(directory)).length, 0)
})

test.runIf(process.platform === 'linux')('a lock whose pid now belongs to another process is taken over', async () => {
  await writeFile(
    join(directory, 'lock'),
    JSON.stringify({ pid: process.pid, startedAs: 'an earlier boot/1', nonce: 'aa' }),
  )
  await (await nodeDisk(directory).lock(''))()
})

test('half a lock, as a loss of power leaves it, is taken over', async () => {
  await writeFile(join(directory, 'lock'), '')
  await (await nodeDisk(directory).lock(''))()
})

test('of many that want a dead lock at once, one gets it', async () => {
  const holder = JSON.stringify({ pid: await deadPid(), startedAs: 'x', nonce: 'aa' })
  for (let round = 0; round < 40; round++) {
    await writeFile(join(directory, 'lock'), holder)
    // Each begins a little later than the one before, so some find the dead lock just before it is replaced.
    const delayed = async (turns: number): Promise<() => Promise<void>> => {
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      return nodeDisk(directory).lock('')
    }
    const tries = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => delayed(i * (round % 10))))
    const won = tries.filter((result) => result.status === 'fulfilled')
    equal(won.length, 1)
    await won[0]?.value()
  }
  equal((await readdir(directory)).length, 0)
})

test('a second storage over the same directory is refused, and the first goes on', async () => {
  const options = { directory, segmentBytes: 8_192 }
  await using first = new FileLogStorage(systemRuntime(), options)
  await first.start()
  await using second = new FileLogStorage(systemRuntime(), options)
  await rejects(second.start(), locked)
  const log = await first.openGroup('g')
  await log.persist({ hardState: { term: 1, votedFor: 'n1' } })
  await first.stop()
  await using third = new FileLogStorage(systemRuntime(), options)
  await third.start()
  equal((await third.openGroup('g')).recovered.hardState.term, 1)
})

test('a path that leads out of the root is refused', async () => {
  await rejects(nodeDisk(directory).open('../elsewhere', { create: true }), RangeError)
  await rejects(nodeDisk(directory).list('a/../../b'), RangeError)
  await rejects(nodeDisk(directory).list('..'), RangeError)
  // This one only looks like it.
  await (await nodeDisk(directory).open('..elsewhere', { create: true })).close()
})

test('a file that is used after it was closed says where it was closed, and what to do', async () => {
  const file = await nodeDisk(directory).open('a', { create: true })
  await file.close()
  const error = await file.sync().catch((reason: unknown) => reason)
  ok(error instanceof FileClosedError)
  equal(error.code, 'DSYS_STORAGE_FILE_CLOSED')
  ok(error.hint.length > 0)
  ok(error.cause instanceof Error && error.cause.stack?.includes('node-disk.test'))
})

test('a segment is made at its full size in advance', async () => {
  await using storage = new FileLogStorage(systemRuntime(), { directory, segmentBytes: 8_192 })
  await storage.start()
  const [name] = await readdir(join(directory, 'wal'))
  equal((await readFile(join(directory, 'wal', name ?? ''))).length, 8_192)
})

test('options that cannot work are refused', () => {
  for (const bad of [
    { segmentBytes: 100 },
    { segmentBytes: 2 ** 40 },
    { maxBatchBytes: 0 },
    { rewriteAfterBytes: 16 * 1024 * 1024 - 1 },
    { rewriteAfterBytes: Number.NaN },
    { segmentBytes: 8_192, rewriteAfterBytes: 8_191 },
    { maxBatchBytes: Number.NaN },
  ]) {
    let refused = false
    try {
      new FileLogStorage(systemRuntime(), { directory, ...bad })
    } catch (error) {
      refused = error instanceof RangeError
    }
    ok(refused, JSON.stringify(bad))
  }
})

test('the checksum is CRC-32 as published: 0xcbf43926 for "123456789"', () => {
  equal(crc32('123456789'), 0xcbf43926)
  equal(crc32('6789', crc32('12345')), 0xcbf43926)
})

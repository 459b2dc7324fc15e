import { equal, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemRuntime } from '@dsys/runtime'
import { FileLogStorage } from '@dsys/storage-file'
import { test } from 'vitest'
import { entry } from './storage-on-memory.ts'

const PROGRAM = fileURLToPath(new URL('../dist/node/wal-command-line.js', import.meta.url))

function inspect(...args: readonly string[]): {
  readonly code: number | null
  readonly output: string
  readonly complaint: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'inspect', ...args], { encoding: 'utf8' })
  return { code: status, output: stdout, complaint: stderr }
}

test('a real folder is looked at while a node uses it, after it has stopped, and when it is damaged', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dsys-wal-'))
  try {
    const storage = new FileLogStorage(systemRuntime(), { directory, segmentBytes: 4_096 })
    await storage.start()
    const log = await storage.openGroup('orders')
    for (let index = 1; index <= 9; index++) await log.persist({ entries: [entry(index, Buffer.alloc(900, index))] })
    const used = inspect(directory)
    equal(used.code, 0, used.complaint)
    ok(used.output.includes(`in use by process ${process.pid}`), used.output)
    await storage.stop()
    const stopped = inspect('--json', '--group', 'orders', directory)
    equal(stopped.code, 0, stopped.complaint)
    equal(JSON.parse(stopped.output).groups[0].entries.last, 9)
    const path = join(directory, 'wal', (await readdir(join(directory, 'wal'))).sort()[0] as string)
    const content = await readFile(path)
    content[300] = (content[300] as number) ^ 1
    await writeFile(path, content)
    const damaged = inspect(directory)
    equal(damaged.code, 1, damaged.complaint)
    ok(damaged.output.includes('DAMAGED') && damaged.output.includes('LOST'), damaged.output)
    equal(inspect(join(directory, 'wal')).code, 2)
    equal(inspect(join(directory, 'nowhere')).code, 2)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

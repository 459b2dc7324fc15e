import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { formatHistory } from '@dsys/linearizability'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { history, inSequence, ok } from './events.ts'

// The command as it is installed: a process of its own, from the build.
const COMMAND = fileURLToPath(new URL('../dist/command-line.js', import.meta.url))

const stale = (key: string) =>
  inSequence(ok('a', { op: 'write', value: 1 }, null, key), ok('b', { op: 'read' }, null, key))
const BAD = formatHistory(history(stale('x')), { model: 'register' })

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsys-check-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

interface Run {
  readonly code: number
  readonly printed: string
  readonly complained: string
}

async function run(args: readonly string[], stdin = ''): Promise<Run> {
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder })
  child.stdin.end(stdin)
  const [printed, complained, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ])
  return { code, printed, complained }
}

test('judges a file and writes the page', async () => {
  await writeFile(join(folder, 'history.jsonl'), BAD)
  const { code, printed, complained } = await run(['linearizable', 'history.jsonl', '--html', 'why.html'])
  expect({ code, complained }).toEqual({ code: 1, complained: '' })
  expect(printed).toContain('The history is not linearizable')
  expect(await readFile(join(folder, 'why.html'), 'utf8')).toMatch(/^<!doctype html>/)
})

test('judges the standard input', async () => {
  expect(await run(['linearizable', '-'], BAD)).toMatchObject({ code: 1, complained: '' })
  expect(await run(['linearizable', '-', '--model', 'set'], formatHistory([]))).toMatchObject({ code: 0 })
  expect(await run(['transactions', '-', '--model', 'register'])).toMatchObject({ code: 0 })
})

test('3 and a sentence for what cannot be read, written or understood', async () => {
  const missing = await run(['linearizable', 'none.jsonl'])
  expect(missing).toMatchObject({ code: 3, printed: '' })
  expect(missing.complained).toContain('none.jsonl cannot be read: ENOENT')
  expect((await run(['linearizable', '-', '--html', 'no/such/folder'], BAD)).code).toBe(3)
  expect((await run(['linearizable', '-'], '{')).complained).toMatch(/^DSYS_HISTORY_FORMAT line 1/)
  expect((await run([])).code).toBe(3)
})

test('what is not UTF-8 is refused: two keys could become one', async () => {
  await writeFile(join(folder, 'latin1.jsonl'), Buffer.from('{"format":"dsys-history/1","model":"\xE4"}', 'latin1'))
  const { code, complained } = await run(['linearizable', 'latin1.jsonl'])
  expect({ code, complained }).toEqual({
    code: 3,
    complained: expect.stringContaining('latin1.jsonl cannot be read: '),
  })
})

test('when nobody hears the complaint the exit code still does not say that a history is wrong', async () => {
  const child = spawn(process.execPath, [COMMAND, 'linearizable', 'none.jsonl'], { cwd: folder })
  child.stderr.destroy()
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(3)
})

test('a reader that has seen enough changes no verdict', async () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `key${index}`)
  const good = history(...keys.map((key) => inSequence(ok('a', { op: 'write', value: 1 }, null, key))), stale('last'))
  await writeFile(join(folder, 'long.jsonl'), formatHistory(good, { model: 'register' }))
  const child = spawn(process.execPath, [COMMAND, 'linearizable', '--json', 'long.jsonl'], { cwd: folder })
  child.stdout.destroy()
  const [complained, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>])
  expect({ code, complained }).toEqual({ code: 1, complained: '' })
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** The sections of the paper and of the dissertation whose claims are implemented. */
const SECTIONS = [
  ...['§5.1', '§5.2', '§5.3', '§5.4.1', '§5.4.2', '§5.5', '§5.6', '§6', '§7', '§8'],
  ...['§3.10', '§4.1', '§4.2.1', '§4.2.2', '§4.2.3', '§4.3', '§6.2', '§6.3', '§6.4', '§6.4.1', '§9.6'],
  ...['§10.2.1', '§10.2.2'],
]

test('each section of the paper and the dissertation that is implemented is named by a test', () => {
  const named = new Set<string>()
  for (const file of readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts') || file === 'sections.test.ts') continue
    const lines = readFileSync(join(FOLDER, file), 'utf8').split('\n')
    const code = lines.filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join('\n')
    for (const [section] of code.matchAll(/§\d+(\.\d+)*/g)) named.add(section)
  }
  expect(SECTIONS.filter((section) => !named.has(section))).toEqual([])
})

test('the table at the head of ALGORITHM.md has every file of the core', () => {
  const [, table = ''] =
    /## What is implemented\n([\s\S]*?)\n## /.exec(readFileSync(join(FOLDER, '../ALGORITHM.md'), 'utf8')) ?? []
  const files = readdirSync(join(FOLDER, '../src/core'))
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => !table.includes(`\`${file}\``))).toEqual([])
})

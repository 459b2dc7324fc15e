import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { expectExample, promisedLines } from './example.ts'

const folder = mkdtempSync(join(tmpdir(), 'dsys-readme-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const EXAMPLE = "console.log(1 + 1, 'is even') // 2 is even\n"

/** The address of a test in a package whose README says `shown`. */
function packageWith(shown: string, example: string = EXAMPLE): string {
  const place = mkdtempSync(join(folder, 'package-'))
  mkdirSync(join(place, 'test'))
  writeFileSync(join(place, 'README.md'), `# It\n\n\`\`\`ts\n${shown}\`\`\`\n\nMore.\n`)
  writeFileSync(join(place, 'test/example.ts'), example)
  return pathToFileURL(join(place, 'test/readme.test.ts')).href
}

const printing =
  (...values: unknown[]) =>
  async (): Promise<void> =>
    console.log(...values)

test('an example that the README shows and that prints what it says', async () => {
  await expectExample(packageWith(EXAMPLE), 'example.ts', printing(2, 'is even'))
})

test('one that prints something else, nothing, or more', async () => {
  await expect(expectExample(packageWith(EXAMPLE), 'example.ts', printing(3, 'is even'))).rejects.toThrow('is even')
  await expect(expectExample(packageWith(EXAMPLE), 'example.ts', async () => undefined)).rejects.toThrow('is even')
  const twice = async (): Promise<void> => {
    await printing(2, 'is even')()
    console.log('more')
  }
  await expect(expectExample(packageWith(EXAMPLE), 'example.ts', twice)).rejects.toThrow('more')
})

test('one that the README shows otherwise, one that promises nothing, and one that throws', async () => {
  const otherwise = packageWith(EXAMPLE.replace('2', '3'))
  await expect(expectExample(otherwise, 'example.ts', printing(2, 'is even'))).rejects.toThrow('to contain')
  const silent = packageWith('f()\n', 'f()\n')
  await expect(expectExample(silent, 'example.ts', async () => undefined)).rejects.toThrow('to not deeply equal')
  const broken = new Error('broken')
  await expect(expectExample(packageWith(EXAMPLE), 'example.ts', () => Promise.reject(broken))).rejects.toBe(broken)
})

test('a comment may explain first, and a block may stand for the comments', () => {
  const example = 'const a = f() // not printed\nconsole.log(a) // the owner: n1\n  console.log(b(a)) // n2, n3\n'
  expect(promisedLines(example, example)).toEqual(['n1', 'n2, n3'])
  const block = `\`\`\`ts\n${example}\`\`\`\n\nIt prints:\n\n\`\`\`text\none\ntwo\n\`\`\`\n`
  expect(promisedLines(block, example)).toEqual(['one', 'two'])
})

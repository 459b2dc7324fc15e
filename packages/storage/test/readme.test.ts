import { equal } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

const read = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8')

test('the example of the README runs and prints what it says', async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(await read('../README.md'))?.[1]
  equal(example, await read('./readme-example.ts'), 'README.md and test/readme-example.ts must be the same')
  const printed: unknown[] = []
  const print = vi.spyOn(console, 'log').mockImplementation((value: unknown) => void printed.push(value))
  try {
    await import('./readme-example.ts')
  } finally {
    print.mockRestore()
  }
  const said = [...(example ?? '').matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map((match) => match[1])
  expect(printed.map(String)).toEqual(said)
})

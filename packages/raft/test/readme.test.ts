import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

test('the example of the README runs and prints what it says', async () => {
  const example = read('./readme-example.ts')
  expect(read('../README.md')).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
  const printed: unknown[] = []
  const print = vi.spyOn(console, 'log').mockImplementation((value: unknown) => void printed.push(String(value)))
  try {
    await import('./readme-example.ts')
  } finally {
    print.mockRestore()
  }
  expect(printed).toEqual([...example.matchAll(/^console\.log.* \/\/ (.*)$/gm)].map(([, said]) => said))
})

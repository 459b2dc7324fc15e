import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

test.each(['readme-example', 'members-example'])(
  'the example %s of the README runs and prints what it says',
  async (name) => {
    const example = read(`./${name}.ts`)
    expect(read('../README.md')).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
    const printed: unknown[] = []
    const print = vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values.join(' ')))
    try {
      await import(`./${name}.ts`)
    } finally {
      print.mockRestore()
    }
    expect(printed).toEqual([...example.matchAll(/^console\.log.* \/\/ (.*)$/gm)].map(([, said]) => said))
  },
)

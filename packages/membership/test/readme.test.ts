import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the example of the README runs and prints what it says', async () => {
  const example = readFileSync(new URL('./example.ts', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    await import('./example.ts')
    const lines = log.mock.calls.map((call) => call.join(' '))
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(readme).toContain(`\n${line}\n`)
  } finally {
    log.mockRestore()
  }
})

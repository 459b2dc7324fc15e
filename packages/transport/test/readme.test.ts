import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

test('the example of the README runs and prints what it says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = readFileSync(new URL('./example.ts', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    await import('./example.ts')
    const promised = [...example.matchAll(/^console\.log.*\/\/ (.*)$/gm)].map((match) => match[1])
    expect(log.mock.calls.map((call) => call[0])).toEqual(promised)
  } finally {
    log.mockRestore()
  }
})

test('the README shows how the suite is used, as a file that is a test here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = readFileSync(new URL('./conformance.test.ts', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
})

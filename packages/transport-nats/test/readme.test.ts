import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'

const nats = await natsForTests()

nats.describe(describe, 'the README', () => {
  test('its example runs and prints what it says', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const example = readFileSync(new URL('./example.ts', import.meta.url), 'utf8')
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
    const server = await nats.start()
    vi.stubEnv('NATS_URL', server.url)
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    try {
      await import('./example.ts')
      expect(log.mock.calls).toEqual([['hello from a']])
    } finally {
      log.mockRestore()
      vi.unstubAllEnvs()
      await server.stop()
    }
  })
})

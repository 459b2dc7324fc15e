import { describe, test, vi } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { expectExample } from '../../../tooling/readme/example.ts'

const nats = await natsForTests()

nats.describe(describe, 'the README', () => {
  test('its example runs and prints what it says', async () => {
    await using server = await nats.start()
    vi.stubEnv('NATS_URL', server.url)
    try {
      await expectExample(import.meta.url, 'example.ts', () => import('./example.ts'))
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

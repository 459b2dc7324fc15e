import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'

const nats = await natsForTests()
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

nats.describe(describe, 'the root README', () => {
  test('its example of a counter runs over a real NATS server', async () => {
    expect(read('../../../README.md')).toContain(`\`\`\`ts\n${read('./root-readme-example.ts')}\`\`\`\n`)
    await using server = await nats.start()
    const data = mkdtempSync(join(tmpdir(), 'dsys-root-readme-'))
    const printed: unknown[] = []
    const print = vi.spyOn(console, 'log').mockImplementation((value: unknown) => void printed.push(value))
    vi.stubEnv('NATS_URL', server.url)
    vi.stubEnv('DATA', data)
    try {
      await import('./root-readme-example.ts')
    } finally {
      print.mockRestore()
      vi.unstubAllEnvs()
      rmSync(data, { recursive: true, force: true })
    }
    expect(printed).toEqual([2, 2])
  })
})

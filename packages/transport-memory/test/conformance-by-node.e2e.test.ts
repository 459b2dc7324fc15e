import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the conformance suite runs under node:test too', async () => {
  const file = fileURLToPath(new URL('./conformance-by-node.mjs', import.meta.url))
  const { NODE_OPTIONS: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file], { env })
  const passed = Number(/^# pass (\d+)$/m.exec(stdout)?.[1])
  expect(passed).toBeGreaterThan(50)
  expect(stdout).toContain(`# tests ${passed}\n`)
})

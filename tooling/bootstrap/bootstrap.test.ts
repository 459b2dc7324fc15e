import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sourceOf } from './build.mjs'
import { ROOT, toolEnvironment } from './environment.mjs'
import { withLock } from './lock.mjs'

let work: string

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'dsys-bootstrap-'))
})

afterAll(() => rm(work, { recursive: true, force: true }))

describe('the environment of the tools', () => {
  const env = toolEnvironment(
    {
      PATH: '/usr/bin',
      HOME: '/somewhere',
      npm_package_name: 'dsys',
      npm_lifecycle_event: 'test',
      npm_config_local_prefix: '/somewhere',
      npm_config_user_agent: 'npm',
      npm_config_registry: 'https://registry.example.com',
      npm_config_cafile: '/etc/ca.pem',
    },
    ['/tools'],
  )

  test('is without what npm says of itself', () => {
    const left = Object.keys(env).filter((name) => name.startsWith('npm_'))
    expect(left.sort()).toEqual(['npm_config_cafile', 'npm_config_registry'])
    expect(env['HOME']).toBe('/somewhere')
  })

  test('has the pinned tools first on the path, and telemetry off', () => {
    expect(env['PATH']).toMatch(/^\/tools:.*node_modules\/\.bin:\/usr\/bin$/)
    expect(env).toMatchObject({ DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1' })
  })
})

describe('the lock', () => {
  test('lets one in at a time, and is gone afterwards', async () => {
    const path = join(work, 'one.lock')
    await withLock(path, async () => expect(existsSync(path)).toBe(true))
    expect(existsSync(path)).toBe(false)
  })

  test('is given back when the work fails', async () => {
    const path = join(work, 'failing.lock')
    await expect(withLock(path, () => Promise.reject(new Error('no network')))).rejects.toThrow('no network')
    expect(existsSync(path)).toBe(false)
  })

  test('is taken over from a process that is gone', async () => {
    const path = join(work, 'stale.lock')
    const child = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => child.on('close', resolve))
    writeFileSync(path, `${child.pid}`)
    expect(await withLock(path, async () => 'done')).toBe('done')
  })
})

test.each([
  ['index.js', 'index.ts'],
  ['core/log.d.ts.map', 'core/log.ts'],
  ['core/log.js.map', 'core/log.ts'],
  ['worker.d.mts', 'worker.mts'],
  ['.tsbuildinfo', undefined],
])('%s is made of %s', (output, source) => {
  expect(sourceOf(output)).toBe(source)
})

describe('an application', () => {
  /** Runs an application that counts SIGINT and ends on SIGTERM, behind the runner; returns what it says. */
  async function withApplication(act: (runner: number) => void): Promise<{ said: string; code: number | null }> {
    const application = `let n = 0; process.on('SIGINT', () => n++); process.on('SIGTERM', () => { console.log('SIGINT', n); process.exit(7) }); setInterval(() => {}, 1000); console.log('ready')`
    const runner = `import { runApplication } from ${JSON.stringify(join(ROOT, 'tooling/bootstrap/process.mjs'))}; process.exitCode = await runApplication(process.execPath, ['-e', ${JSON.stringify(application)}])`
    const child = spawn(process.execPath, ['--input-type=module', '-e', runner], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    let acted = false
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (acted || !said.includes('ready') || child.pid === undefined) return
      acted = true
      act(child.pid)
    })
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    return { said, code }
  }

  test('gets a signal that comes twice, from the terminal and from npm, once; and its exit code is ours', async () => {
    const { said, code } = await withApplication((pid) => {
      process.kill(pid, 'SIGINT')
      setTimeout(() => process.kill(pid, 'SIGINT'), 50)
      // Later than the time within which two signals are one.
      setTimeout(() => process.kill(pid, 'SIGTERM'), 1_000)
    })
    expect(said).toContain('SIGINT 1')
    expect(code).toBe(7)
  })
})

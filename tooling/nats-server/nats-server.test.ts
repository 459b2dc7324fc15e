import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findNatsServer, installNatsServer, natsForTests, startNatsServer } from './index.mjs'

const nats = await natsForTests()
const nowhere = { env: { PATH: '/nonexistent' }, folder: '/nonexistent' }

/** Whether a process runs. A zombie that nobody has waited for yet counts as gone. */
async function isGone(pid: number): Promise<boolean> {
  for (let turn = 0; turn < 100; turn++) {
    const state = await new Promise<string>((resolve) => {
      const ps = spawn('ps', ['-o', 'stat=', '-p', String(pid)])
      let output = ''
      ps.stdout.on('data', (chunk) => {
        output += chunk
      })
      ps.on('close', () => resolve(output.trim()))
    })
    if (state === '' || state.startsWith('Z')) return true
  }
  return false
}

describe('where there is no server', () => {
  test('it is not found, and the reason says how to get one', async () => {
    expect(findNatsServer(nowhere)).toBeUndefined()
    expect(await installNatsServer(nowhere)).toEqual({ reason: expect.stringContaining('brew install nats-server') })
  })

  test('tests are skipped by name with the reason, and fail with CI=true', async () => {
    const names: string[] = []
    const describeLike = Object.assign((name: string) => names.push(`run ${name}`), {
      skip: (name: string) => names.push(`skip ${name}`),
    })
    const absent = await natsForTests(nowhere)
    absent.describe(describeLike, 'needs NATS', () => {})
    expect(names).toEqual([`skip needs NATS (skipped: ${absent.reason})`])
    await expect(absent.start()).rejects.toThrow('no nats-server')
    await expect(natsForTests({ ...nowhere, env: { ...nowhere.env, CI: 'true' } })).rejects.toThrow(
      'must not be skipped',
    )
  })
})

nats.describe(describe, 'a server of one’s own', () => {
  test('starts on a free port, comes back on the same one after a crash, and is gone after stop', async () => {
    const server = await nats.start()
    const { port, pid } = server
    expect(port).toBeGreaterThan(0)
    await server.kill()
    await server.restart()
    expect(server.port).toBe(port)
    expect(server.pid).not.toBe(pid)
    const second = server.pid ?? 0
    await server.stop()
    await server.stop()
    expect(await isGone(second)).toBe(true)
  })

  test('a taken port rejects with what the server wrote', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => blocker.once('listening', resolve))
    const { port } = blocker.address() as { port: number }
    await expect(nats.start({ port })).rejects.toThrow(/address already in use/)
    blocker.close()
  })

  test('many at once take different ports', async () => {
    const servers = await Promise.all([nats.start(), nats.start(), nats.start()])
    expect(new Set(servers.map((server) => server.port)).size).toBe(3)
    await Promise.all(servers.map((server) => server.stop()))
  })

  test('takes a configuration and a folder for JetStream', async () => {
    const storeDir = mkdtempSync(join(tmpdir(), 'dsys-nats-test-'))
    const server = await nats.start({ config: 'max_payload: 2048', storeDir })
    expect(server.output).toContain('JetStream')
    await server.stop()
    rmSync(storeDir, { recursive: true })
  })

  test('three make a cluster, and one that was killed finds its way back into it', async () => {
    await using cluster = await nats.startCluster({ configs: ['', 'max_payload: 2048'] })
    expect(new Set(cluster.urls).size).toBe(3)
    for (const server of cluster.servers) {
      await server.kill()
      await server.restart()
    }
    await cluster.whole()
  })

  test.skipIf(process.platform !== 'linux')(
    'it ends when the process that started it is killed, even while it is stopped',
    async () => {
      const script = `import { startNatsServer } from ${JSON.stringify(new URL('./index.mjs', import.meta.url).href)}
      const server = await startNatsServer()
      server.signal('SIGSTOP')
      console.log(server.pid)
      setInterval(() => {}, 1000)`
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script])
      const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (data) => resolve(Number(data))))
      parent.kill('SIGKILL')
      expect(await isGone(pid)).toBe(true)
    },
  )
})

test('a binary that is no server rejects', async () => {
  await expect(startNatsServer({ binary: '/bin/false' })).rejects.toThrow('did not start')
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFailed, test } from 'vitest'
import { findNatsServer, natsForTests } from '../../../tooling/nats-server/index.mjs'
import { isPortFree } from '../src/launcher/free-port.ts'
import { NodeEndedError, NodeProcess } from '../src/launcher/node-process.ts'
import { until } from './harness/until.ts'

const dist = (name: string): string => fileURLToPath(new URL(`../dist/${name}`, import.meta.url))
const FORMED = 'Ctrl-C stops all of it.'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // There is no such process: that is the answer.
    return false
  }
}

/** The processes whose command line names `text`, where the system tells. */
function commandLinesWith(text: string): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        // It ended between the two calls.
        return ''
      }
    })
    .filter((line) => line.includes(text))
}

/** A program of the application, run as a terminal does: in a process group of its own, which gets the Ctrl-C. */
class Program implements AsyncDisposable {
  readonly directory: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown[]>
  output = ''

  constructor(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = process.env) {
    this.directory = mkdtempSync(join(tmpdir(), 'dsys-launcher-'))
    const data = name === 'cluster.js' ? ['--data', this.directory] : []
    // NATS_URL would choose the server for the program.
    const { NATS_URL, ...rest } = env
    this.#child = spawn(process.execPath, [dist(name), ...data, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: rest,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk
      })
    }
    this.#ended = once(this.#child, 'close')
    onTestFailed(() => console.error(this.output))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Node ids, URLs and process ids from the table on the screen. */
  get nodes(): readonly { id: string; url: string; pid: number }[] {
    const rows = this.output.matchAll(/^ +(n\d) .*(http:\S+) +(\d+)$/gm)
    return [...rows].map(([, id = '', url = '', pid]) => ({ id, url, pid: Number(pid) }))
  }

  get natsPid(): number {
    return Number(/this command started \(pid (\d+)\)/.exec(this.output)?.[1])
  }

  async shows(text: string | RegExp): Promise<void> {
    await until(`the screen shows ${text}`, () => {
      if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}:\n${this.output}`)
      return typeof text === 'string' ? this.output.includes(text) : text.test(this.output)
    })
  }

  /** What Ctrl-C in a terminal does. */
  interrupt(): void {
    process.kill(-this.pid, 'SIGINT')
  }

  async exitCode(): Promise<number | null> {
    const [code] = await this.#ended
    return code as number | null
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.#ended
    await until('its nodes are gone', () => this.nodes.every(({ pid }) => pid === this.pid || !isAlive(pid)))
    rmSync(this.directory, { recursive: true, force: true })
  }
}

async function expectNothingLeft(program: Program): Promise<void> {
  await until('no process is left', () => {
    const pids = [...program.nodes.map(({ pid }) => pid), ...(program.natsPid > 0 ? [program.natsPid] : [])]
    return !pids.some(isAlive) && commandLinesWith(program.directory).length === 0
  })
  for (const { url } of program.nodes) expect(await isPortFree(Number(new URL(url).port))).toBe(true)
}

/** Runs the curl lines from the screen, with fetch. */
async function followTheScreen(program: Program): Promise<void> {
  const [, put = ''] = /curl -X PUT --data-binary 'hello' (\S+)/.exec(program.output) ?? []
  const [get = '', cluster = ''] = [...program.output.matchAll(/^ +curl (http\S+)$/gm)].map(([, url]) => url)
  expect((await fetch(put, { method: 'PUT', body: 'hello' })).status).toBe(200)
  expect(await (await fetch(get)).text()).toBe('hello')
  expect(await (await fetch(cluster)).json()).toMatchObject({ ready: true })
  expect(new Set([put, get, cluster].map((url) => new URL(url).port)).size).toBe(3)
}

const nats = await natsForTests()

nats.describe(describe, 'npm start, with a nats-server on the PATH', () => {
  const path = { ...process.env, PATH: `${findNatsServer()?.replace(/\/[^/]*$/, '')}:${process.env.PATH}` }

  test('shows a cluster that works, and Ctrl-C leaves no process and no port behind', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0'], path)
    await program.shows(FORMED)
    expect(program.output).toMatch(/3 dsys nodes, all ready after [\d.]+ s\. The leader is n[123], in term \d+\./)
    expect(program.output).toContain('a nats-server from the PATH that this command started')
    expect(program.nodes.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3'])
    await followTheScreen(program)
    program.interrupt()
    expect(await program.exitCode()).toBe(0)
    expect(program.output).not.toContain('did not stop cleanly')
    await expectNothingLeft(program)
  })

  test('takes a server that is given, keeps its data, and says when a port is in use', async () => {
    await using server = await nats.start()
    await using holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    await using program = new Program(
      'cluster.js',
      ['--http-port', String(port), '--nodes', '1', '--nats', server.url],
      path,
    )
    await program.shows(FORMED)
    expect(program.output).toContain(`Port ${port} is in use, so n1 takes a free one.`)
    expect(program.output).toContain(`NATS at ${server.url}, as you said`)
    const [node] = program.nodes
    expect((await fetch(`${node?.url}/v1/kv/default/a`, { method: 'PUT', body: 'kept' })).status).toBe(200)
    program.interrupt()
    expect(await program.exitCode()).toBe(0)
    await using again = new Program(
      'cluster.js',
      ['--http-port', '0', '--nodes', '1', '--data', program.directory, '--nats', server.url],
      path,
    )
    await again.shows(FORMED)
    expect(await (await fetch(`${again.nodes[0]?.url}/v1/kv/default/a`)).text()).toBe('kept')
  })

  test('a password in the URL of the server is on no screen, in no log, and in no command line of a node', async () => {
    await using server = await nats.start({ config: 'authorization { user: ann, password: hunter2 }' })
    const url = server.url.replace('nats://', 'nats://ann:hunter2@')
    await using program = new Program('cluster.js', ['--http-port', '0', '--nats', url], path)
    await program.shows(FORMED)
    expect(program.output).toContain(`NATS at ${server.url}, as you said`)
    expect(program.output).not.toContain('hunter2')
    expect(commandLinesWith('hunter2').filter((line) => line.includes('main.js'))).toEqual([])
    for (const { id } of program.nodes) {
      expect(readFileSync(join(program.directory, id, 'node.log'), 'utf8')).not.toContain('hunter2')
    }
  })

  test('says that a node lost its disk, and does not start it again and again', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0'], path)
    await program.shows(FORMED)
    const [, leader = ''] = /The leader is (n\d)/.exec(program.output) ?? []
    const victim = program.nodes.find(({ id }) => id !== leader)
    expect((await fetch(`${victim?.url}/v1/kv/default/a`, { method: 'PUT', body: 'x' })).status).toBe(200)
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    rmSync(join(program.directory, victim?.id ?? ''), { recursive: true })
    await program.shows(
      /ended: its disk was lost, so the others do not let it count\. It stays down; what to do is at the end of (\S+)/,
    )
    const [, log = ''] = /at the end of (\S+)/.exec(program.output) ?? []
    expect(readFileSync(log, 'utf8')).toContain('--join')
    const folder = join(program.directory, victim?.id ?? '')
    await program.shows(/with NATS_URL=nats:\S+ in its environment, to be added: .* --join/)
    const [, command = ''] = /to be added: (.*)/.exec(program.output) ?? []
    expect(command).toContain(`main.js --id ${victim?.id} --data ${folder} --voters n1,n2,n3 --http-port `)
    expect(program.output.match(new RegExp(`^${victim?.id} .* ended`, 'gm'))).toHaveLength(2)
    program.interrupt()
    expect(await program.exitCode()).toBe(0)
    await expectNothingLeft(program)
  })

  test('says that a node died, and brings it back from its disk', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0'], path)
    await program.shows(FORMED)
    const [, leader = ''] = /The leader is (n\d)/.exec(program.output) ?? []
    const victim = program.nodes.find(({ id }) => id === leader)
    expect((await fetch(`${victim?.url}/v1/kv/default/a`, { method: 'PUT', body: 'x' })).status).toBe(200)
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    await program.shows(`${leader} (pid ${victim?.pid}) ended: SIGKILL. It comes back in 1 s from its own disk.`)
    await program.shows(/The leader is now n\d, in term [2-9]/)
    await program.shows(`${leader} is back at ${victim?.url}`)
    await until('it is ready again', async () => (await fetch(`${victim?.url}/readyz`)).ok)
    expect(await (await fetch(`${victim?.url}/v1/kv/default/a`)).text()).toBe('x')
    const [, pid] = /is back at \S+ \(pid (\d+)\)/.exec(program.output) ?? []
    program.interrupt()
    expect(await program.exitCode()).toBe(0)
    expect(isAlive(Number(pid))).toBe(false)
    await expectNothingLeft(program)
  })

  test('kill -9 of the launcher ends its nodes and its server too', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0'], path)
    await program.shows(FORMED)
    program.kill()
    await program.exitCode()
    await expectNothingLeft(program)
  })

  test('a second Ctrl-C ends everything at once', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0'], path)
    await program.shows(FORMED)
    program.interrupt()
    await program.shows('SIGINT')
    program.interrupt()
    // The first one may have been done by then.
    expect([0, 1]).toContain(await program.exitCode())
    await expectNothingLeft(program)
  })

  test('Ctrl-C while it starts leaves nothing behind either', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0'], path)
    await until('the first node has begun', () => existsSync(join(program.directory, 'n1', 'node.log')))
    program.interrupt()
    expect(await program.exitCode()).toBe(0)
    await expectNothingLeft(program)
  })

  test('a node that dies of Ctrl-C before it is on its own says that it was that', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dsys-launcher-'))
    const node = new NodeProcess({ id: 'n1', directory, flags: [] })
    node.signal('SIGINT')
    const error = await node.whenStarted().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(NodeEndedError)
    expect((error as NodeEndedError).signal).toBe('SIGINT')
    rmSync(directory, { recursive: true })
  })

  test('a server that is not there is an error that says so', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0', '--nats', 'nats://127.0.0.1:1'], path)
    expect(await program.exitCode()).toBe(1)
    expect(program.output).toContain('no NATS server answered at 127.0.0.1:1')
    await expectNothingLeft(program)
  })

  test('the tour shows what really happens', async () => {
    await using program = new Program('tour.js', [], path)
    expect(await program.exitCode()).toBe(0)
    for (const [i, key] of ['user:1001', 'user:1002', 'user:1003'].entries()) {
      expect(program.output).toContain(`wrote ${key} through n${i + 1}: revision "${i + 1}"`)
      expect(program.output).toMatch(new RegExp(`read {2}${key} through n${((i + 1) % 3) + 1}: \\{"name"`))
    }
    expect(program.output.match(/^ +n\d +(leader|follower) +\d+ +n\d +\d+ +\d+ +3$/gm)).toHaveLength(3)
    expect(program.output.match(/^ +n\d +leader/gm)).toHaveLength(1)
    expect(program.output).toContain('All nodes have stopped.')
  })
})

// A copy that the tests have unpacked inside the repository is found without any PATH.
const withoutServer = { ...process.env, PATH: '/nonexistent', NATS_URL: '' }
const unpacked = findNatsServer({ env: withoutServer })
const reason = unpacked === undefined ? '' : ` (skipped: ${unpacked} is found without a PATH)`

/** Three real processes over TCP that survive the kill of one, and leave nothing behind. */
async function expectClusterOverTcp(program: Program): Promise<void> {
  expect(new Set([...program.nodes.map(({ pid }) => pid), program.pid]).size).toBe(4)
  expect(program.natsPid).toBeNaN()
  await followTheScreen(program)
  const [, leader = ''] = /The leader is (n\d)/.exec(program.output) ?? []
  const victim = program.nodes.find(({ id }) => id === leader)
  process.kill(victim?.pid ?? 0, 'SIGKILL')
  await program.shows(/The leader is now n\d, in term [2-9]/)
  await program.shows(`${leader} is back at ${victim?.url}`)
  await until('it is ready again', async () => (await fetch(`${victim?.url}/readyz`)).ok)
  expect(await (await fetch(`${victim?.url}/v1/kv/default/greeting`)).text()).toBe('hello')
  program.interrupt()
  expect(await program.exitCode()).toBe(0)
  expect(program.output).not.toContain('did not stop cleanly')
  await expectNothingLeft(program)
}

describe('npm start over TCP', () => {
  test('runs three processes without a broker when it is told to, also where there is a nats-server', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0', '--transport', 'tcp'])
    await program.shows(FORMED)
    expect(program.output).toContain('TCP from process to process, as you said')
    await expectClusterOverTcp(program)
  })
})

describe.skipIf(unpacked !== undefined)(`npm start, where there is no nats-server${reason}`, () => {
  test('says how to get one, and runs three processes over TCP', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0'], withoutServer)
    await program.shows(FORMED)
    expect(program.output).toContain('TCP from process to process, because there is no nats-server')
    for (const way of ['apt-get install nats-server', 'brew install nats-server', 'ocker'])
      expect(program.output).toContain(way)
    await expectClusterOverTcp(program)
  })

  test('says how to get one and ends, when NATS was asked for', async () => {
    await using program = new Program('cluster.js', ['--http-port', '0', '--transport', 'nats'], withoutServer)
    expect(await program.exitCode()).toBe(1)
    expect(program.output).toContain('apt-get install nats-server')
  })

  test('the tour shows what really happens, over TCP', async () => {
    await using program = new Program('tour.js', [], withoutServer)
    expect(await program.exitCode()).toBe(0)
    expect(program.output).toContain('TCP from process to process')
    expect(program.output).toContain('All nodes have stopped.')
  })
})

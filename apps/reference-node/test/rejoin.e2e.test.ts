import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freePorts } from '../src/launcher/free-port.ts'
import { NodeProcess } from '../src/launcher/node-process.ts'
import { makeCertificates } from './certificates.ts'
import { until } from './harness/until.ts'

interface View {
  readonly members: readonly { readonly id: string; readonly state: string }[]
}

/** Nodes over TCP in processes of their own, each with a folder and a port that stay. */
class Nodes implements AsyncDisposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'dsys-rejoin-'))
  readonly #running = new Map<string, NodeProcess>()

  async start(id: string, ...flags: readonly string[]): Promise<void> {
    const common = ['--transport', 'tcp', '--http-port', '0', '--voters', 'n1']
    const node = new NodeProcess({ id, directory: join(this.directory, id), flags: [...common, ...flags] })
    this.#running.set(id, node)
    await node.whenStarted()
  }

  async kill(id: string): Promise<void> {
    await this.#running.get(id)?.kill()
  }

  log(id: string): string {
    return readFileSync(join(this.directory, id, 'node.log'), 'utf8')
  }

  /** Waits until the node `id` has kept `place` for its next run. */
  async remembers(id: string, place: string): Promise<void> {
    const file = join(this.directory, id, 'peers')
    await until(`${id} remembers ${place}`, () => existsSync(file) && readFileSync(file).includes(place))
  }

  /** The ids that the node `id` holds for alive. */
  async alive(id: string): Promise<string> {
    const response = await fetch(`${this.#running.get(id)?.started?.http}/v1/cluster`)
    const { members } = (await response.json()) as View
    return members
      .filter(({ state }) => state === 'alive')
      .map((member) => member.id)
      .sort()
      .join()
  }

  async agree(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await until(`${id} sees ${ids.join()}`, async () => (await this.alive(id)) === ids.join())
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((node) => node.kill()))
    rmSync(this.directory, { recursive: true, force: true })
  }
}

describe('nodes over TCP', () => {
  test('find each other again when the only seed is gone, although no configuration tells of the others', async () => {
    await using nodes = new Nodes()
    const [seed, second, third] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`)
    await nodes.start('n1', '--peers', `n1=${seed}`)
    // Neither knows of the other but by what the members say of themselves.
    await nodes.start('n2', '--join', '--peers', `n1=${seed}`, '--tcp-listen', `${second}`)
    await nodes.start('n3', '--join', '--peers', `n1=${seed}`, '--tcp-listen', `${third}`)
    await nodes.agree(['n1', 'n2', 'n3'])
    await nodes.remembers('n2', `${third}`)
    // All of them at once, so that nobody is left who could knock at the door of another.
    for (const id of ['n1', 'n2', 'n3']) await nodes.kill(id)
    await nodes.start('n3', '--join', '--peers', `n1=${seed}`, '--tcp-listen', `${third}`)
    await nodes.start('n2', '--join', '--peers', `n1=${seed}`, '--tcp-listen', `${second}`)
    await nodes.agree(['n2', 'n3'])
    // With a file that is damaged it starts as if there were none, and says so.
    await nodes.kill('n2')
    writeFileSync(join(nodes.directory, 'n2', 'peers'), 'not what was written')
    await nodes.start('n2', '--join', '--peers', `n1=${seed}`, '--tcp-listen', `${second}`)
    expect(nodes.log('n2')).toContain('the peers of an earlier run')
    // The other one has not forgotten it, and knocks.
    await nodes.agree(['n2', 'n3'])
  })

  test('find a node whose address is not what the configuration says any more', async () => {
    await using nodes = new Nodes()
    const [first, second, moved, again] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`)
    await nodes.start('n1', '--peers', `n1=${first},n2=${second}`)
    await nodes.start('n2', '--join', '--peers', `n1=${first},n2=${second}`)
    await nodes.agree(['n1', 'n2'])
    await nodes.kill('n2')
    await nodes.start('n2', '--join', '--peers', `n1=${first},n2=${moved}`)
    await nodes.agree(['n1', 'n2'])
    await nodes.remembers('n1', `${moved}`)
    // Now the seed moves too: neither is where the configuration of the other says, and only one has an earlier run to remember.
    await nodes.kill('n1')
    await nodes.start('n1', '--peers', `n1=${again},n2=${second}`)
    await nodes.agree(['n1', 'n2'])
  })

  test('with certificates find each other, and nobody with another authority', async () => {
    await using nodes = new Nodes()
    makeCertificates(nodes.directory, 'ca', ['n1', 'n2'])
    makeCertificates(nodes.directory, 'other', ['n3'])
    const at = (name: string): string => join(nodes.directory, name)
    const tls = (id: string, ca: string): string[] => [
      ...['--tls-cert', at(`${id}.pem`), '--tls-key', at(`${id}.key`), '--tls-ca', at(`${ca}.pem`)],
    ]
    const [first, second, third] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`)
    await nodes.start('n1', '--peers', `n1=${first}`, ...tls('n1', 'ca'))
    await nodes.start('n2', '--join', '--peers', `n1=${first},n2=${second}`, ...tls('n2', 'ca'))
    await nodes.start('n3', '--join', '--peers', `n1=${first},n3=${third}`, ...tls('n3', 'other'))
    await nodes.agree(['n1', 'n2'])
    await until('n1 has turned it away', () => nodes.log('n1').includes('a connection was turned away'))
    expect(await nodes.alive('n3')).toBe('n3')
  })
})

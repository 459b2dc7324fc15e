import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@dsys/runtime'
import { afterAll, describe, expect, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { ConfigError } from '../src/config/config-error.ts'
import { readConfig } from '../src/config/read-config.ts'
import { RunningNode } from '../src/running-node.ts'

const nats = await natsForTests()
const directory = mkdtempSync(join(tmpdir(), 'dsys-nats-node-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

// Made for this test, and of use for nothing else.
const USER = 'UAAQLV4DLO7CH6VYCW22HGJFDSLTLP5G64T5WGDCHC4LAPZMELKMQZOP'
const SEED = 'SUAOGI5ZLSINOMXBU47BRBDSPXDTNFYBEW2PV5OXCVTI5AELY3HKFKALB4'

function configOf(id: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const needed = ['--id', id, '--voters', 'n1,n2', '--data', join(directory, id), '--http-port', '0']
  return readConfig([...needed, ...args], env)
}

function problemsOf(args: readonly string[]): string {
  try {
    configOf('n1', args)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  throw new Error('the configuration was taken')
}

describe('credentials for NATS', () => {
  test('come from files, and the authority of the servers may come alone', () => {
    const [creds, seed, ca] = [file('a.creds', 'the credentials'), file('seed', SEED), file('ca.pem', 'an authority')]
    expect(configOf('n1', ['--nats-creds', creds])).toMatchObject({
      natsAuthentication: { creds: 'the credentials' },
      natsTls: undefined,
    })
    expect(configOf('n1', ['--tls-ca', ca], { DSYS_NATS_NKEY: seed })).toMatchObject({
      natsAuthentication: { nkeySeed: SEED },
      natsTls: { ca: 'an authority' },
      tls: undefined,
    })
  })

  test('that contradict each other, or cannot be read, are refused before anything starts', () => {
    const any = file('any', 'x')
    expect(problemsOf(['--nats-creds', any, '--nats-nkey', any])).toContain('only one of them can count')
    expect(problemsOf(['--tls-cert', any])).toContain('are only of use together')
    expect(problemsOf(['--nats-creds', join(directory, 'none')])).toContain('--nats-creds cannot be read: ENOENT')
  })
})

nats.describe(describe, 'two nodes over a NATS server that asks who they are', () => {
  test('form a cluster, and membership has a connection of its own', async () => {
    const authority = new Authority()
    const { cert, key, ca } = authority.issue({ common: 'a server', addresses: ['127.0.0.1'] })
    const files = [file('cert', cert), file('key', key), file('ca', ca), file('seed', `${SEED}\n`)]
    const [certFile = '', keyFile = '', caFile = '', seedFile = ''] = files
    await using server = await nats.start({
      config: `
        tls { cert_file: ${JSON.stringify(certFile)}, key_file: ${JSON.stringify(keyFile)} }
        authorization { users = [ { nkey: ${USER} } ] }
      `,
    })
    const fast = ['--election-timeout-ms', '300', '--heartbeat-interval-ms', '30']
    const args = ['--nats', server.url, '--tls-ca', caFile, '--nats-nkey', seedFile, ...fast]
    await using n1 = new RunningNode(configOf('n1', args), { logger: silentLogger })
    await using n2 = new RunningNode(configOf('n2', args), { logger: silentLogger })
    await Promise.all([n1.start(), n2.start()])
    const frames = async (node: RunningNode, lane: string): Promise<number> => {
      const text = await (await fetch(`${node.url}/metrics`)).text()
      return Number(
        new RegExp(`^dsys_transport_nats_frames_received_total{lane="${lane}"} (\\d+)`, 'm').exec(text)?.[1],
      )
    }
    for (const node of [n1, n2]) {
      for (const lane of ['data', 'control']) {
        while (!((await frames(node, lane)) > 0)) await new Promise((resolve) => setImmediate(resolve))
      }
    }
  })
})

import { describe, expect, test } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { readConfig } from '../src/config/read-config.ts'

const needed = ['--id', 'n1', '--voters', 'n1,n2,n3', '--data', 'x']

function problemsOf(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  try {
    readConfig(args, env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  throw new Error('the configuration was taken')
}

describe('the configuration of a node', () => {
  test('has defaults for all but id, voters and folder', () => {
    expect(readConfig(needed, {})).toEqual({
      id: 'n1',
      cluster: 'reference',
      voters: ['n1', 'n2', 'n3'],
      join: false,
      transport: 'nats',
      nats: ['nats://127.0.0.1:4222'],
      natsConnectTimeoutMs: 30_000,
      peers: new Map(),
      tcpListen: undefined,
      secret: undefined,
      secretFile: undefined,
      tlsCert: undefined,
      tlsKey: undefined,
      tlsCa: undefined,
      tls: undefined,
      allowUnauthenticated: false,
      data: 'x',
      keyspaces: ['default'],
      maxValueBytes: 262_144,
      httpHost: '127.0.0.1',
      httpPort: 7_001,
      httpNames: [],
      roles: [],
      tags: {},
      splitBrain: 'off',
      splitBrainQuorum: undefined,
      splitBrainStableMs: 20_000,
      adminToken: undefined,
      adminTokenFile: undefined,
      electionTimeoutMs: 1_000,
      heartbeatIntervalMs: 100,
      drainTimeoutMs: 10_000,
      logLevel: 'info',
      allowRemote: false,
      warnings: [],
    })
  })

  test('a strategy against a split brain comes with what it needs, and with nothing else', () => {
    const asked = (...args: string[]) => [...needed, '--split-brain', ...args]
    expect(readConfig(asked('lease', '--split-brain-stable-ms', '500'), {})).toMatchObject({
      splitBrain: 'lease',
      splitBrainStableMs: 500,
    })
    const quorum = ['static-quorum', '--split-brain-quorum', '2']
    expect(readConfig(asked(...quorum), {})).toMatchObject({ splitBrain: 'static-quorum', splitBrainQuorum: 2 })
    expect(problemsOf(asked('static-quorum'))).toContain('needs --split-brain-quorum')
    expect(problemsOf(asked('static-quorum', '--split-brain-quorum', '1'))).toContain(
      'not more than half of the 3 voters',
    )
    expect(problemsOf(asked('lease', '--split-brain-quorum', '2'))).toContain('for --split-brain static-quorum alone')
    expect(problemsOf(asked('hope'))).toContain('--split-brain')
    expect(problemsOf(asked('lease', '--split-brain-stable-ms', '99'))).toContain('from 100 to 3600000')
    expect(problemsOf([...needed, '--keyspaces', 'default,dsys-survivors'])).toContain('dsys-survivors')
  })

  test('comes from the environment, and flags win', () => {
    const env = {
      DSYS_ID: 'n2',
      DSYS_VOTERS: 'n1, n2',
      DSYS_DATA: 'y',
      NATS_URL: 'nats://a,nats://b',
      DSYS_HTTP_PORT: '9',
      DSYS_LOG_LEVEL: '',
    }
    expect(readConfig(['--http-port', '0'], env)).toMatchObject({
      id: 'n2',
      voters: ['n1', 'n2'],
      data: 'y',
      nats: ['nats://a', 'nats://b'],
      httpPort: 0,
      logLevel: 'info',
    })
  })

  test('roles and tags are read from lists, and a value may have any sign but a comma', () => {
    const read = readConfig([...needed, '--roles', 'worker, gateway', '--tags', 'zone=a, path=x=y,empty='], {})
    expect(read).toMatchObject({ roles: ['worker', 'gateway'], tags: { zone: 'a', path: 'x=y', empty: '' } })
  })

  test('a node that joins need not be one of the voters', () => {
    const later = ['--id', 'n4', '--voters', 'n1,n2,n3', '--data', 'x']
    expect(problemsOf(later)).toContain('add --join')
    expect(readConfig([...later, '--join'], {})).toMatchObject({ id: 'n4', join: true, voters: ['n1', 'n2', 'n3'] })
    expect(readConfig(later, { DSYS_JOIN: 'true' }).join).toBe(true)
  })

  test('says every problem at once, with flag and variable', () => {
    const message = problemsOf(['--http-port', '99999', '--voters', 'a,,b', '--log-level', 'loud'])
    for (const part of [
      '--id (or DSYS_ID) is missing',
      '--data',
      '--http-port (or DSYS_HTTP_PORT) is "99999"',
      'from 0 to 65535',
      '--voters',
      'has an empty item',
      '--log-level',
    ]) {
      expect(message).toContain(part)
    }
  })

  test.each([
    ['an id that is no voter', ['--id', 'n9'], 'is not one of --voters'],
    ['a voter twice', ['--voters', 'n1,n1'], 'names a node twice'],
    ['an election that is shorter than three heartbeats', ['--election-timeout-ms', '200'], 'three times'],
    ['a number that is none', ['--http-port', '7e3'], 'whole number'],
    ['a flag that is not known', ['--nope'], 'unknown option'],
    ['a tag without a value', ['--tags', 'zone'], 'must be name=value'],
    ['a tag twice', ['--tags', 'zone=a,zone=b'], 'each name once'],
  ])('refuses %s', (_name, args, why) => {
    expect(problemsOf([...needed, ...args])).toContain(why)
  })

  test('does not repeat a URL of NATS, which may hold a password', () => {
    const problems = problemsOf([...needed, '--nats', 'nats://ann:hunter2@a,,nats://b'])
    expect(problems).toContain('--nats (or NATS_URL) is not right: has an empty item')
    expect(problems).not.toContain('hunter2')
  })

  const tcp = [...needed, '--transport', 'tcp']
  const peers = 'n1=127.0.0.1:1,n2=[::1]:2, n3=host.example:3'

  test('has over TCP a table of where all nodes listen', () => {
    const config = readConfig([...tcp, '--peers', peers], {})
    expect([...config.peers]).toEqual([
      ['n1', '127.0.0.1:1'],
      ['n2', '[::1]:2'],
      ['n3', 'host.example:3'],
    ])
    const env = { DSYS_TRANSPORT: 'tcp', DSYS_PEERS: 'n2=a:1,n3=a:2', DSYS_TCP_LISTEN: '127.0.0.1:9' }
    expect(readConfig(needed, env)).toMatchObject({ transport: 'tcp', tcpListen: '127.0.0.1:9' })
  })

  test.each([
    ['a transport that is not known', ['--transport', 'udp'], '--transport'],
    ['TCP without peers', [], 'does not say where n1, n2, n3 listen'],
    ['TCP without one peer', ['--peers', 'n1=a:1,n3=a:3'], 'does not say where n2 listen'],
    ['an address without a port', ['--peers', 'n1=a,n2=b:1,n3=c:1'], 'must be id=host:port'],
    ['a port that there is not', ['--peers', 'n1=a:1,n2=b:65536,n3=c:1'], 'a port from 1 to 65535'],
    ['a port that nobody can dial', ['--peers', 'n1=a:1,n2=b:0,n3=c:1'], 'a port from 1 to 65535'],
    ['a port that nobody can have', ['--peers', peers, '--tcp-listen', '127.0.0.1:65536'], 'a port from 0 to 65535'],
    ['a peer twice', ['--peers', 'n1=a:1,n1=b:1,n3=c:1'], 'each id once'],
    ['an address to listen on that is none', ['--peers', peers, '--tcp-listen', '9'], 'must be host:port'],
    ['an address for all without a secret', ['--peers', peers, '--tcp-listen', '0.0.0.0:9'], '--secret-file'],
  ])('refuses %s', (_name, args, why) => {
    expect(problemsOf([...tcp, ...args])).toContain(why)
  })

  test('takes over TCP an address that others can reach when there is a secret', () => {
    const env = { DSYS_SECRET: 'sixteen bytes or more' }
    expect(readConfig([...tcp, '--peers', peers, '--tcp-listen', '0.0.0.0:9'], env).secret).toBe(env.DSYS_SECRET)
  })

  test('listens to the outside only when told so twice', () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.org', '127.0.0.1.example.org']) {
      expect(problemsOf([...needed, '--http-host', host])).toContain('--allow-remote')
      const token = { DSYS_ADMIN_TOKEN: 'a-token-of-the-test' }
      expect(readConfig([...needed, '--http-host', host, '--allow-remote'], token).httpHost).toBe(host)
      expect(readConfig([...needed, '--http-host', host], { ...token, DSYS_ALLOW_REMOTE: 'true' }).httpHost).toBe(host)
    }
    for (const host of ['localhost', '127.0.0.2', '::1']) {
      expect(readConfig([...needed, '--http-host', host], {}).httpHost).toBe(host)
    }
  })

  test('names for HTTP are such as a request can have', () => {
    const names = ['n1.example', 'N_2', 'xn--4ca9as.example', '*']
    expect(readConfig([...needed, '--http-names', names.join()], {}).httpNames).toEqual(names)
    for (const name of ['n1:7001', 'http://n1', 'ä.example', 'n1.', '*.example']) {
      expect(problemsOf([...needed, '--http-names', name])).toContain('without a port')
    }
  })

  test('help is help, and names every setting', () => {
    try {
      readConfig(['--help'], {})
      throw new Error('no help')
    } catch (error) {
      expect(error).toMatchObject({ help: true })
      expect((error as Error).message).toContain('--allow-remote')
    }
  })
})

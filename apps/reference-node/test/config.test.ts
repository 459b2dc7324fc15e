import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'

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
      nats: ['nats://127.0.0.1:4222'],
      natsConnectTimeoutMs: 30_000,
      data: 'x',
      keyspaces: ['default'],
      maxValueBytes: 262_144,
      httpHost: '127.0.0.1',
      httpPort: 7_001,
      electionTimeoutMs: 1_000,
      heartbeatIntervalMs: 100,
      drainTimeoutMs: 10_000,
      logLevel: 'info',
      allowRemote: false,
    })
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
  ])('refuses %s', (_name, args, why) => {
    expect(problemsOf([...needed, ...args])).toContain(why)
  })

  test('does not repeat a URL of NATS, which may hold a password', () => {
    const problems = problemsOf([...needed, '--nats', 'nats://ann:hunter2@a,,nats://b'])
    expect(problems).toContain('--nats (or NATS_URL) is not right: has an empty item')
    expect(problems).not.toContain('hunter2')
  })

  test('listens to the outside only when told so twice', () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.org', '127.0.0.1.example.org']) {
      expect(problemsOf([...needed, '--http-host', host])).toContain('--allow-remote')
      expect(readConfig([...needed, '--http-host', host, '--allow-remote'], {}).httpHost).toBe(host)
      expect(readConfig([...needed, '--http-host', host], { DSYS_ALLOW_REMOTE: 'true' }).httpHost).toBe(host)
    }
    for (const host of ['localhost', '127.0.0.2', '::1']) {
      expect(readConfig([...needed, '--http-host', host], {}).httpHost).toBe(host)
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

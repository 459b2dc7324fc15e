import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { readConfig } from '../src/config/read-config.ts'
import { whyOpenToOthers } from '../src/credentials.ts'
import { makeCertificates } from './certificates.ts'

const needed = ['--id', 'n1', '--voters', 'n1,n2,n3', '--data', 'x']
const outside = ['--transport', 'tcp', '--peers', 'n1=a:1,n2=b:1,n3=c:1', '--tcp-listen', '0.0.0.0:9']
const SECRET = 'a secret of this test'

const directory = mkdtempSync(join(tmpdir(), 'dsys-credentials-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

function problemsOf(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  try {
    readConfig([...needed, ...args], env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  throw new Error('the configuration was taken')
}

describe('a secret', () => {
  test('comes from the environment or a file, whose last line break is no part of it', () => {
    expect(readConfig([...needed, ...outside], { DSYS_SECRET: SECRET }).secret).toBe(SECRET)
    for (const end of ['', '\n', '\r\n']) {
      expect(readConfig([...needed, ...outside, '--secret-file', file('s', SECRET + end)], {}).secret).toBe(SECRET)
    }
    const remote = ['--http-host', '0.0.0.0', '--allow-remote']
    expect(readConfig([...needed, ...remote, '--admin-token-file', file('t', 'x'.repeat(16))], {})).toMatchObject({
      adminToken: 'x'.repeat(16),
    })
    expect(readConfig([...needed, ...remote], { DSYS_ADMIN_TOKEN: 'y'.repeat(16) }).adminToken).toBe('y'.repeat(16))
  })

  test.each(['secret', 'admin-token'])('never comes from the command line: --%s', (name) => {
    for (const flags of [[`--${name}`, 'hunter2'], [`--${name}=hunter2`]]) {
      const problems = problemsOf(flags)
      expect(problems).toContain(`--${name} is no flag, since others can read command lines`)
      expect(problems).not.toContain('hunter2')
    }
  })

  test.each([
    ['is short', () => ['--secret-file', file('short', 'hunter2')], {}, 'must have at least 16 bytes'],
    ['is not there', () => ['--secret-file', join(directory, 'none')], {}, '--secret-file cannot be read: ENOENT'],
    ['is a folder', () => ['--secret-file', directory], {}, '--secret-file cannot be read: EISDIR'],
    ['is no secret any more', () => ['--secret-file', file('long', 'hunter2'.repeat(999))], {}, '4096 are the most'],
    [
      'is said twice',
      () => ['--secret-file', file('two', SECRET)],
      { DSYS_SECRET: SECRET },
      'only one of them can count',
    ],
    [
      'has spaces, as a token',
      () => ['--admin-token-file', file('spaces', 'hunter2 hunter2 hunter2')],
      {},
      'visible ASCII',
    ],
    [
      'has spaces, as a token of the environment',
      () => [],
      { DSYS_ADMIN_TOKEN: 'hunter2 hunter2 hunter2' },
      'visible ASCII',
    ],
  ])('that %s is refused, and not repeated', (_what, args, env, why) => {
    const problems = problemsOf([...outside, ...args()], env)
    expect(problems).toContain(why)
    expect(problems).not.toContain('hunter2')
    expect(problems).not.toContain(SECRET)
  })
})

describe('what was given for the other transport', () => {
  const tcp = ['--transport', 'tcp', '--peers', 'n1=127.0.0.1:1,n2=127.0.0.1:2,n3=127.0.0.1:3']

  test.each([
    ['--nats-creds', 'NATS', [...tcp, '--nats-creds', 'x'], {}],
    ['--nats-nkey', 'NATS', tcp, { DSYS_NATS_NKEY: 'x' }],
    ['DSYS_SECRET', 'TCP', [], { DSYS_SECRET: SECRET }],
    ['--secret-file', 'TCP', ['--secret-file', 'x'], {}],
    ['--peers', 'TCP', tcp.slice(2), {}],
    ['--tcp-listen', 'TCP', ['--tcp-listen', '127.0.0.1:1'], {}],
    ['--allow-unauthenticated', 'TCP', ['--allow-unauthenticated'], {}],
  ])('is refused, with what to do: %s', (name, transport, args, env) => {
    const problems = problemsOf(args, env)
    expect(problems).toContain(`${name} is for ${transport} alone`)
    expect(problems).toContain(`add --transport ${transport.toLowerCase()} if that is meant, or leave it out`)
    expect(problems).not.toContain(SECRET)
  })
})

describe.skipIf(process.getuid === undefined)('a file with a secret that others can read', () => {
  test('is told of by a warning, for each kind of secret and no other file', () => {
    const at = (name: string, mode: number): string => {
      const path = file(`mode-${name}`, 'x'.repeat(32))
      chmodSync(path, mode)
      return path
    }
    const warningsOf = (mode: number): readonly string[] => [
      ...readConfig([...needed, ...outside, '--secret-file', at('s', mode), '--admin-token-file', at('t', mode)], {})
        .warnings,
      ...readConfig([...needed, '--nats-creds', at('c', mode), '--tls-ca', at('ca', 0o644)], {}).warnings,
      ...readConfig([...needed, '--nats-nkey', at('n', mode)], {}).warnings,
      ...readConfig([...needed, '--tls-cert', at('cert', 0o644), '--tls-key', at('k', mode)], {}).warnings,
    ]
    expect(warningsOf(0o600)).toEqual([])
    const warnings = warningsOf(0o644)
    for (const flag of ['--secret-file', '--admin-token-file', '--nats-creds', '--nats-nkey', '--tls-key'])
      expect(warnings).toContainEqual(expect.stringMatching(`^${flag} .*its mode is 0644.*: chmod 600 it`))
    expect(warnings).toHaveLength(5)
  })

  test.each([
    [0o400, true, true],
    [0o600, true, true],
    [0o640, true, false],
    [0o620, true, false],
    [0o604, true, false],
    [0o602, true, false],
    [0o444, false, false],
    [0o440, false, true],
    [0o660, false, true],
    [0o642, false, false],
  ])('with mode %o, of this user: %s, is fine: %s', (mode, isOwn, isFine) => {
    const why = whyOpenToOthers({ mode: 0o100000 | mode, uid: isOwn ? 1_000 : 0 }, 1_000)
    expect(why === undefined).toBe(isFine)
    expect(whyOpenToOthers({ mode, uid: 0 }, undefined)).toBeUndefined()
  })
})

test('where others can reach HTTP, nobody may change the cluster unasked', () => {
  const problems = problemsOf(['--http-host', '0.0.0.0', '--allow-remote'])
  expect(problems).toContain('DSYS_ADMIN_TOKEN or --admin-token-file')
})

test('where others can reach TCP, they prove who they are, unless that is said', () => {
  expect(problemsOf(outside)).toContain('--allow-unauthenticated if that is meant')
  expect(readConfig([...needed, ...outside, '--allow-unauthenticated'], {}).allowUnauthenticated).toBe(true)
})

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!hasOpenssl)('certificates (they need openssl)', () => {
  const at = (name: string): string => join(directory, name)
  beforeAll(() => {
    makeCertificates(directory, 'ca', ['n1', 'n2'])
    makeCertificates(directory, 'other', ['stranger'])
    file('none.pem', 'no certificate')
  })
  const tls = (cert: string, key: string, ca: string): string[] => [
    ...['--tls-cert', at(cert), '--tls-key', at(key), '--tls-ca', at(ca)],
  ]

  test('that fit take the place of a secret', () => {
    const config = readConfig([...needed, ...outside, ...tls('n1.pem', 'n1.key', 'ca.pem')], {})
    expect(config.tls?.cert).toContain('BEGIN CERTIFICATE')
    expect(config.secret).toBeUndefined()
  })

  test.each([
    ['of another node', tls('n2.pem', 'n2.key', 'ca.pem'), '--tls-cert: it does not name the node n1'],
    ['with the key of another', tls('n1.pem', 'n2.key', 'ca.pem'), '--tls-key: it is not the key of the certificate'],
    ['of another authority', tls('n1.pem', 'n1.key', 'other.pem'), '--tls-cert: the authority has not signed it'],
    ['that is none', tls('none.pem', 'n1.key', 'ca.pem'), '--tls-cert: it holds no certificate in PEM'],
    ['with a key that is none', tls('n1.pem', 'none.pem', 'ca.pem'), '--tls-key: it holds no private key'],
    ['with an authority that is none', tls('n1.pem', 'n1.key', 'none.pem'), '--tls-ca: it holds no certificate'],
    ['that is not there', tls('gone.pem', 'n1.key', 'ca.pem'), '--tls-cert cannot be read: ENOENT'],
    ['without the rest', ['--tls-cert', 'n1.pem'], 'are only of use together'],
  ])('%s are refused before anything starts', (_what, args, why) => {
    expect(problemsOf([...outside, ...args])).toContain(why)
  })
})

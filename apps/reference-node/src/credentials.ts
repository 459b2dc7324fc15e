import { readFileSync } from 'node:fs'
import type { NatsAuthentication, NatsTls } from '@dsys/transport-nats'
import { type TcpTls, tlsProblems } from '@dsys/transport-tcp'

const MAX_SECRET_BYTES = 4_096
const MAX_PEM_BYTES = 1_048_576

/** What was told of the credentials of a node: where they are, or what they are. */
export interface CredentialSettings {
  readonly id: string
  readonly transport: 'nats' | 'tcp'
  readonly natsCreds: string | undefined
  readonly natsNkey: string | undefined
  readonly secret: string | undefined
  readonly secretFile: string | undefined
  readonly adminToken: string | undefined
  readonly adminTokenFile: string | undefined
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsCa: string | undefined
}

/** What proves who is who. */
export interface Credentials {
  readonly secret: string | undefined
  readonly adminToken: string | undefined
  /** Over TCP. */
  readonly tls: TcpTls | undefined
  /** Over NATS. */
  readonly natsTls: NatsTls | undefined
  readonly natsAuthentication: NatsAuthentication | undefined
}

/** Reads what is in files, and adds what is wrong with it to `problems`; no problem repeats a secret. */
export function readCredentials(settings: CredentialSettings, problems: string[]): Credentials {
  return {
    secret: secretOf('secret', whyNoSecret, settings.secret, settings.secretFile, problems),
    adminToken: secretOf('admin-token', whyNoToken, settings.adminToken, settings.adminTokenFile, problems),
    ...(settings.transport === 'tcp'
      ? { tls: tlsOf(settings, problems), natsTls: undefined, natsAuthentication: undefined }
      : { tls: undefined, ...natsOf(settings, problems) }),
  }
}

/** What is wrong with a secret as such. */
export function whyNoSecret(text: string): string | undefined {
  return Buffer.byteLength(text) < 16 ? 'must have at least 16 bytes' : undefined
}

/** What is wrong with a token, which travels in a header of HTTP. */
export function whyNoToken(text: string): string | undefined {
  return /[^\x21-\x7e]/.test(text) ? 'must be of visible ASCII characters without spaces' : whyNoSecret(text)
}

function secretOf(
  name: string,
  whyNot: (text: string) => string | undefined,
  given: string | undefined,
  file: string | undefined,
  problems: string[],
): string | undefined {
  if (file === undefined) return given
  if (given !== undefined) {
    problems.push(
      `--${name}-file is given beside DSYS_${name.toUpperCase().replace('-', '_')}: only one of them can count`,
    )
    return undefined
  }
  const text = read(`--${name}-file`, file, MAX_SECRET_BYTES, problems)
  // An editor ends the file with a line break, which is no part of the secret.
  const secret = text?.replace(/\r?\n$/, '')
  const why = secret === undefined ? undefined : whyNot(secret)
  if (why !== undefined) problems.push(`--${name}-file ${file}: what stands in it ${why}`)
  return secret
}

function tlsOf({ id, tlsCert, tlsKey, tlsCa }: CredentialSettings, problems: string[]): TcpTls | undefined {
  if (tlsCert === undefined && tlsKey === undefined && tlsCa === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined || tlsCa === undefined) {
    problems.push('--tls-cert, --tls-key and --tls-ca are only of use together: each node proves itself to the other')
    return undefined
  }
  const cert = read('--tls-cert', tlsCert, MAX_PEM_BYTES, problems)
  const key = read('--tls-key', tlsKey, MAX_PEM_BYTES, problems)
  const ca = read('--tls-ca', tlsCa, MAX_PEM_BYTES, problems)
  if (cert === undefined || key === undefined || ca === undefined) return undefined
  const tls = { cert, key, ca }
  problems.push(...tlsProblems(tls, id, Date.now()).map(({ part, why }) => `--tls-${part}: ${why}`))
  return tls
}

function natsOf(settings: CredentialSettings, problems: string[]): Pick<Credentials, 'natsTls' | 'natsAuthentication'> {
  const { natsCreds, natsNkey, tlsCert, tlsKey, tlsCa } = settings
  if (natsCreds !== undefined && natsNkey !== undefined) {
    problems.push('--nats-creds and --nats-nkey are both given: only one of them can count')
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    problems.push('--tls-cert and --tls-key are only of use together')
  }
  const pem = (flag: string, path: string | undefined): string | undefined =>
    path === undefined ? undefined : read(flag, path, MAX_PEM_BYTES, problems)
  const [cert, key, ca] = [pem('--tls-cert', tlsCert), pem('--tls-key', tlsKey), pem('--tls-ca', tlsCa)]
  const creds = pem('--nats-creds', natsCreds)
  const nkeySeed = pem('--nats-nkey', natsNkey)
  const proof = cert === undefined || key === undefined ? {} : { cert, key }
  const natsTls = { ...proof, ...(ca === undefined ? {} : { ca }) }
  return {
    natsTls: Object.keys(natsTls).length === 0 ? undefined : natsTls,
    natsAuthentication: authenticationOf(creds, nkeySeed),
  }
}

function authenticationOf(creds: string | undefined, nkeySeed: string | undefined): NatsAuthentication | undefined {
  if (creds !== undefined) return { creds }
  return nkeySeed === undefined ? undefined : { nkeySeed }
}

function read(flag: string, path: string, maxBytes: number, problems: string[]): string | undefined {
  try {
    const bytes = readFileSync(path)
    if (bytes.byteLength <= maxBytes) return bytes.toString('utf8')
    problems.push(`${flag} ${path} has ${bytes.byteLength} bytes, and ${maxBytes} are the most`)
  } catch (error) {
    problems.push(`${flag} cannot be read: ${(error as Error).message}`)
  }
  return undefined
}

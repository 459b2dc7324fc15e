import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
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
  /** What is no reason not to start, and should be changed: files with secrets that others on this machine can read or replace. */
  readonly warnings: readonly string[]
}

/** What is said of the files while they are read. */
interface Findings {
  readonly problems: string[]
  readonly warnings: string[]
}

/** Reads what is in files, and adds what is wrong with it to `problems`; no problem repeats a secret. */
export function readCredentials(settings: CredentialSettings, problems: string[]): Credentials {
  const findings = { problems, warnings: [] }
  return {
    secret: secretOf('secret', whyNoSecret, settings.secret, settings.secretFile, findings),
    adminToken: secretOf('admin-token', whyNoToken, settings.adminToken, settings.adminTokenFile, findings),
    ...(settings.transport === 'tcp'
      ? { tls: tlsOf(settings, findings), natsTls: undefined, natsAuthentication: undefined }
      : { tls: undefined, ...natsOf(settings, findings) }),
    warnings: findings.warnings,
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
  findings: Findings,
): string | undefined {
  const { problems } = findings
  if (file === undefined) return given
  if (given !== undefined) {
    problems.push(
      `--${name}-file is given beside DSYS_${name.toUpperCase().replace('-', '_')}: only one of them can count`,
    )
    return undefined
  }
  const text = readSecret(`--${name}-file`, file, MAX_SECRET_BYTES, findings)
  // An editor ends the file with a line break, which is no part of the secret.
  const secret = text?.replace(/\r?\n$/, '')
  const why = secret === undefined ? undefined : whyNot(secret)
  if (why !== undefined) problems.push(`--${name}-file ${file}: what stands in it ${why}`)
  return secret
}

function tlsOf({ id, tlsCert, tlsKey, tlsCa }: CredentialSettings, findings: Findings): TcpTls | undefined {
  const { problems } = findings
  if (tlsCert === undefined && tlsKey === undefined && tlsCa === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined || tlsCa === undefined) {
    problems.push('--tls-cert, --tls-key and --tls-ca are only of use together: each node proves itself to the other')
    return undefined
  }
  const cert = read('--tls-cert', tlsCert, MAX_PEM_BYTES, findings)?.text
  const key = readSecret('--tls-key', tlsKey, MAX_PEM_BYTES, findings)
  const ca = read('--tls-ca', tlsCa, MAX_PEM_BYTES, findings)?.text
  if (cert === undefined || key === undefined || ca === undefined) return undefined
  const tls = { cert, key, ca }
  problems.push(...tlsProblems(tls, id, Date.now()).map(({ part, why }) => `--tls-${part}: ${why}`))
  return tls
}

function natsOf(settings: CredentialSettings, findings: Findings): Pick<Credentials, 'natsTls' | 'natsAuthentication'> {
  const { problems } = findings
  const { natsCreds, natsNkey, tlsCert, tlsKey, tlsCa } = settings
  if (natsCreds !== undefined && natsNkey !== undefined) {
    problems.push('--nats-creds and --nats-nkey are both given: only one of them can count')
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    problems.push('--tls-cert and --tls-key are only of use together')
  }
  const pem = (flag: string, path: string | undefined): string | undefined =>
    path === undefined ? undefined : read(flag, path, MAX_PEM_BYTES, findings)?.text
  const secret = (flag: string, path: string | undefined): string | undefined =>
    path === undefined ? undefined : readSecret(flag, path, MAX_PEM_BYTES, findings)
  const [cert, key, ca] = [pem('--tls-cert', tlsCert), secret('--tls-key', tlsKey), pem('--tls-ca', tlsCa)]
  const creds = secret('--nats-creds', natsCreds)
  const nkeySeed = secret('--nats-nkey', natsNkey)
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

/** The text of a file, as one that nobody else should read. */
function readSecret(flag: string, path: string, maxBytes: number, findings: Findings): string | undefined {
  const found = read(flag, path, maxBytes, findings)
  const why = found === undefined ? undefined : whyOpenToOthers(found.stats, process.getuid?.())
  if (why !== undefined) findings.warnings.push(`${flag} ${path} ${why}`)
  return found?.text
}

/** The text of a file, and what the system says of that very file. */
function read(
  flag: string,
  path: string,
  maxBytes: number,
  { problems }: Findings,
): { readonly text: string; readonly stats: Stats } | undefined {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const bytes = readFileSync(file)
    if (bytes.byteLength <= maxBytes) return { text: bytes.toString('utf8'), stats: fstatSync(file) }
    problems.push(`${flag} ${path} has ${bytes.byteLength} bytes, and ${maxBytes} are the most`)
  } catch (error) {
    problems.push(`${flag} cannot be read: ${(error as Error).message}`)
  } finally {
    if (file !== undefined) closeSync(file)
  }
  return undefined
}

const OF_GROUP = 0o060
const OF_OTHERS = 0o006

/**
 * What is wrong with the permissions of a file that holds a secret, on systems that have them. A file of somebody else, as root, may be open to
 * the group by which this process reads it: secrets that are mounted into a container are given in this way.
 */
export function whyOpenToOthers(
  { mode, uid }: Pick<Stats, 'mode' | 'uid'>,
  ownUid: number | undefined,
): string | undefined {
  if (ownUid === undefined) return undefined
  const isOwn = uid === ownUid
  if ((mode & (isOwn ? OF_GROUP | OF_OTHERS : OF_OTHERS)) === 0) return undefined
  const permissions = (mode & 0o777).toString(8).padStart(4, '0')
  return `can be read or replaced by other users of this machine (its mode is ${permissions}): chmod ${isOwn ? '600' : 'o-rwx'} it`
}

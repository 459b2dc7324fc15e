import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { TcpTls } from '../src/index.ts'

/** Just enough of X.509 for a certification authority and its nodes, so that no test needs a tool or a file that expires. */

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 0x80) return Buffer.concat([Uint8Array.of(tag, body.length), body])
  if (body.length < 0x100) return Buffer.concat([Uint8Array.of(tag, 0x81, body.length), body])
  return Buffer.concat([Uint8Array.of(tag, 0x82, body.length >> 8, body.length & 0xff), body])
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Uint8Array.from(bytes))
const COMMON_NAME = oid(0x55, 0x04, 0x03)
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13)
const ALTERNATIVE_NAME = oid(0x55, 0x1d, 0x11)
const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const TRUE = der(0x01, Uint8Array.of(0xff))

const nameOf = (common: string): Buffer => sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(common)))))

/** What one certificate says. */
interface Subject {
  readonly common: string
  readonly dns?: readonly string[]
  readonly uris?: readonly string[]
}

function certificate(
  subject: Subject,
  key: KeyObject,
  issuer: { common: string; key: KeyObject },
  isCa: boolean,
): string {
  const names = [
    ...(subject.dns ?? []).map((name) => der(0x82, Buffer.from(name))),
    ...(subject.uris ?? []).map((name) => der(0x86, Buffer.from(name))),
  ]
  const extensions = [
    ...(isCa ? [sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE)))] : []),
    ...(names.length > 0 ? [sequence(ALTERNATIVE_NAME, der(0x04, sequence(...names)))] : []),
  ]
  const body = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(isCa ? 1 : 2)),
    ECDSA_SHA256,
    nameOf(issuer.common),
    sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z'))),
    nameOf(subject.common),
    key.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  )
  const signature = sign('sha256', body, issuer.key)
  const whole = sequence(body, ECDSA_SHA256, der(0x03, Uint8Array.of(0), signature))
  return `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

/** An authority that signs certificates for nodes. */
export class Authority {
  readonly #common: string
  readonly #key: KeyObject
  readonly #ca: string

  constructor(common = 'the authority') {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    this.#common = common
    this.#key = privateKey
    this.#ca = certificate({ common }, publicKey, { common, key: privateKey }, true)
  }

  /** What a node with this subject gives as `tls`. */
  issue(subject: Subject): TcpTls {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const cert = certificate(subject, publicKey, { common: this.#common, key: this.#key }, false)
    return { cert, key, ca: this.#ca }
  }
}

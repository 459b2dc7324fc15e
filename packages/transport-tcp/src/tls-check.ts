import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import type { TcpTls } from './options.ts'
import { names } from './tls-network.ts'

/** What is wrong with one part of a {@link TcpTls}. */
export interface TlsProblem {
  readonly part: 'cert' | 'key' | 'ca'
  /** It repeats nothing of the key. */
  readonly why: string
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g
/** No chain that somebody means is longer. */
const MAX_CHAIN = 16
/** What a certificate must be good for, where it says what it is good for (RFC 5280 §4.2.1.12): nodes dial, and are dialled. */
const USAGES: readonly (readonly [string, string])[] = [
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
]

/**
 * Says before a start what would later make every peer turn this node away, or fail with the words of OpenSSL: certificates and keys that cannot
 * be read, that do not fit together, whose time is not now, that another authority has signed, that name another node, or that may not be used to
 * dial and to be dialled. Empty where all is well.
 *
 * @param nowMs milliseconds since 1970, as of `Clock.wallMs`.
 */
export function tlsProblems(tls: TcpTls, nodeId: string, nowMs: number): readonly TlsProblem[] {
  const [own, ...chain] = certificatesIn(tls.cert)
  const authorities = certificatesIn(tls.ca)
  const key = keyIn(tls.key)
  const problems: TlsProblem[] = []
  if (own === undefined) problems.push({ part: 'cert', why: 'it holds no certificate in PEM' })
  if (key === undefined)
    problems.push({ part: 'key', why: 'it holds no private key in PEM that can be read without a passphrase' })
  if (authorities.length === 0) problems.push({ part: 'ca', why: 'it holds no certificate in PEM' })
  if (own === undefined) return problems
  if (key !== undefined && !own.checkPrivateKey(key)) {
    problems.push({ part: 'key', why: 'it is not the key of the certificate' })
  }
  const notNow = whyNotAt(nowMs, own)
  if (notNow !== undefined) problems.push({ part: 'cert', why: notNow })
  for (const [usage, name] of USAGES) {
    if (own.keyUsage?.includes(usage) === false)
      problems.push({ part: 'cert', why: `what it may be used for lacks ${name}` })
  }
  if (!names(own.toLegacyObject() as unknown as PeerCertificate, nodeId)) {
    problems.push({ part: 'cert', why: `it does not name the node ${nodeId}` })
  }
  if (authorities.length > 0) problems.push(...problemsAbove(own, chain, authorities, nowMs))
  return problems
}

/** What is wrong with those who have signed `own`. One that is valid now makes up for another with the same name that is not. */
function problemsAbove(
  own: X509Certificate,
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  nowMs: number,
): readonly TlsProblem[] {
  const isNow = (one: X509Certificate): boolean => whyNotAt(nowMs, one) === undefined
  const whyOneIsNot = (ones: readonly X509Certificate[]): string =>
    ones.map((one) => whyNotAt(nowMs, one)).find((why) => why !== undefined) ?? ''
  const current = authorities.filter(isNow)
  if (!isSignedBy(own, chain, authorities)) return [{ part: 'cert', why: 'the authority has not signed it' }]
  if (!isSignedBy(own, chain, current)) return [{ part: 'ca', why: whyOneIsNot(authorities) }]
  if (isSignedBy(own, chain.filter(isNow), current)) return []
  return [{ part: 'cert', why: `of one between it and the authority: ${whyOneIsNot(chain)}` }]
}

function whyNotAt(nowMs: number, { validFrom, validTo }: X509Certificate): string | undefined {
  if (nowMs < Date.parse(validFrom)) return `it is valid only from ${validFrom} on`
  return nowMs > Date.parse(validTo) ? `it was valid until ${validTo}` : undefined
}

function certificatesIn(pem: string | Uint8Array): X509Certificate[] {
  const text = typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1')
  try {
    return [...text.matchAll(PEM)].map(([block]) => new X509Certificate(block))
  } catch {
    // Whatever is wrong with it: none of it counts.
    return []
  }
}

function keyIn(pem: string | Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey(typeof pem === 'string' ? pem : Buffer.from(pem))
  } catch {
    // The words of OpenSSL would not help anybody.
    return undefined
  }
}

/** Goes up from `own` through `chain` to one of `authorities`. */
function isSignedBy(
  own: X509Certificate,
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): boolean {
  const signs = (above: X509Certificate, below: X509Certificate): boolean =>
    below.checkIssued(above) && below.verify(above.publicKey)
  let at: X509Certificate | undefined = own
  for (let i = 0; at !== undefined && i < MAX_CHAIN; i++) {
    const below: X509Certificate = at
    if (authorities.some((authority) => signs(authority, below))) return true
    at = chain.find((above) => above !== below && signs(above, below))
  }
  return false
}

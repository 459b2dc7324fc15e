import type { Socket } from 'node:net'
import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { TcpAddress } from './address.ts'
import type { Dialling, TcpNetwork } from './network.ts'
import type { TcpTls } from './options.ts'

const asText = (part: string | Uint8Array): string | Buffer => (typeof part === 'string' ? part : Buffer.from(part))
const nameOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`

/**
 * TLS over the sockets of `below`, with a certificate on both sides, signed by `tls.ca`. Whether it is that of the node it should be is
 * checked by the handshake above it, since an address says nothing about who listens there.
 */
export function tlsNetwork(below: TcpNetwork, tls: TcpTls, handshakeTimeoutMs: number): TcpNetwork {
  const own = { cert: asText(tls.cert), key: asText(tls.key), ca: asText(tls.ca), minVersion: 'TLSv1.2' as const }
  const waiting = new Map<string, (socket: Socket) => void>()
  const server = createServer({
    ...own,
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: handshakeTimeoutMs,
  })
  server.on('secureConnection', (socket) => {
    const use = waiting.get(nameOf(socket))
    waiting.delete(nameOf(socket))
    if (use === undefined) socket.destroy()
    else use(socket)
  })
  return {
    secure: true,
    listen: (address, handlers, signal) => below.listen(address, handlers, signal),
    dial: (address: TcpAddress): Dialling => {
      const { socket: raw } = below.dial(address)
      const socket = connect({ ...own, socket: raw, rejectUnauthorized: true, checkServerIdentity: () => undefined })
      // What happens to the socket below ends the one above it too.
      raw.once('error', (error) => socket.destroy(error))
      return { socket, whenReady: (use) => void socket.once('secureConnect', use) }
    },
    accept: (socket, use) => {
      const name = nameOf(socket)
      waiting.set(name, use)
      socket.once('close', () => waiting.delete(name))
      server.emit('connection', socket)
    },
  }
}

/** What both ends of an encrypted channel know and nobody else does. */
export function bindingOf(socket: Socket): Uint8Array {
  return new Uint8Array((socket as TLSSocket).exportKeyingMaterial(32, 'EXPORTER-dsys-tcp', Buffer.alloc(0)))
}

/** Whether the certificate of the peer is that of the node `id`. */
export function certifies(socket: Socket, id: string): boolean {
  return names((socket as TLSSocket).getPeerCertificate(), id)
}

/**
 * Whether a certificate is that of the node `id`: one of its DNS names or URIs is the id (a URI may have
 * `dsys:` before it, and characters written with %), or it has neither of them and its common name is.
 */
export function names(certificate: PeerCertificate, id: string): boolean {
  const alternatives = alternativeNames(certificate.subjectaltname ?? '')
  if (alternatives.length > 0) return alternatives.some((name) => name === id || uriOf(name) === id)
  const common: unknown = certificate.subject?.CN
  return common === id
}

function uriOf(name: string): string | undefined {
  if (!name.startsWith('dsys:')) return undefined
  try {
    return decodeURIComponent(name.slice('dsys:'.length))
  } catch {
    // No URI that this package would have written: it names nobody.
    return undefined
  }
}

/** Node.js writes `DNS:a, URI:"b, c"`: names that hold a comma or a quote are JSON texts. */
export function alternativeNames(text: string): string[] {
  const names: string[] = []
  for (const [, kind, quoted, plain] of text.matchAll(/(\w[\w ]*):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/g)) {
    if (kind !== 'DNS' && kind !== 'URI') continue
    names.push(quoted === undefined ? (plain ?? '') : String(JSON.parse(quoted)))
  }
  return names
}

import { DsysError } from '@dsys/runtime'

const because = (cause: unknown): string => (cause instanceof Error ? `: ${cause.message}` : '')

/** The address to listen on cannot be had (`DSYS_TRANSPORT_TCP_LISTEN`). */
export class TcpListenError extends DsysError {
  readonly host: string
  readonly port: number

  constructor(host: string, port: number, cause: unknown) {
    super(`cannot listen on ${host}, port ${port}${because(cause)}`, {
      code: 'DSYS_TRANSPORT_TCP_LISTEN',
      retryable: true,
      outcome: 'not-applied',
      hint: 'End what listens there, or give "listen" another port; 0 takes a free one.',
      cause,
    })
    this.host = host
    this.port = port
  }
}

/** Others could reach this node, and nobody would be asked who they are (`DSYS_TRANSPORT_TCP_UNPROTECTED`). */
export class TcpUnprotectedError extends DsysError {
  readonly host: string

  constructor(host: string) {
    super(`${host} can be reached from outside, and neither "tls" nor "secret" says who may join`, {
      code: 'DSYS_TRANSPORT_TCP_UNPROTECTED',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Give every node "tls" or the same "secret". Where the network itself is closed to others, set allowUnauthenticated.',
    })
    this.host = host
  }
}

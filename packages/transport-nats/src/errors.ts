import { DsysError } from '@dsys/runtime'

/** The reason in words. Addresses carry no secrets by now, so neither does what the network says about them. */
const because = (cause: unknown): string => (cause instanceof Error ? `: ${cause.message}` : '')

/** No NATS server answered in time (`DSYS_TRANSPORT_NATS_UNREACHABLE`). */
export class NatsUnreachableError extends DsysError {
  /** The addresses that were tried, without user names, passwords and tokens. */
  readonly servers: readonly string[]

  constructor(servers: readonly string[], withinMs: number, cause: unknown) {
    super(`no NATS server answered at ${servers.join(', ')} within ${withinMs} ms${because(cause)}`, {
      code: 'DSYS_TRANSPORT_NATS_UNREACHABLE',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Start one, for instance with "nats-server -a 127.0.0.1" or "docker run --rm -p 4222:4222 nats", or correct "servers".',
      cause,
    })
    this.servers = servers
  }
}

/** The NATS server refused the credentials (`DSYS_TRANSPORT_NATS_AUTHENTICATION`). */
export class NatsAuthenticationError extends DsysError {
  constructor(servers: readonly string[], cause: unknown) {
    super(`the NATS server at ${servers.join(', ')} refused these credentials`, {
      code: 'DSYS_TRANSPORT_NATS_AUTHENTICATION',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Check user and password, token, nkey or credentials against the configuration of the server.',
      cause,
    })
  }
}

/** The NATS server and this node do not agree on how to encrypt, or on who the other is (`DSYS_TRANSPORT_NATS_TLS`). */
export class NatsTlsError extends DsysError {
  constructor(servers: readonly string[], cause: unknown) {
    super(`no TLS with the NATS server at ${servers.join(', ')}${because(cause)}`.trimEnd(), {
      code: 'DSYS_TRANSPORT_NATS_TLS',
      retryable: false,
      outcome: 'not-applied',
      hint:
        'Compare "tls.ca" or "tls.caFile" with the authority of the server, the name in "servers" with those in its certificate, and ' +
        'give "tls.cert" and "tls.key" (or files) where it asks who this node is.',
      cause,
    })
  }
}

/** The NATS server does not let this user subscribe to what the node needs (`DSYS_TRANSPORT_NATS_PERMISSION`). */
export class NatsPermissionError extends DsysError {
  constructor(subject: string, cause: unknown) {
    super(`the NATS server refused the subscription to ${subject}`, {
      code: 'DSYS_TRANSPORT_NATS_PERMISSION',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Allow the user of this node to publish and subscribe to "dsys.<cluster>.>".',
      cause,
    })
  }
}

/** The NATS server takes only smaller messages than the node needs (`DSYS_TRANSPORT_NATS_FRAME_LIMIT`). */
export class NatsFrameLimitError extends DsysError {
  readonly serverLimitBytes: number
  readonly neededBytes: number

  constructor(serverLimitBytes: number, neededBytes: number) {
    super(`the NATS server takes messages of up to ${serverLimitBytes} bytes, and this node needs ${neededBytes}`, {
      code: 'DSYS_TRANSPORT_NATS_FRAME_LIMIT',
      retryable: false,
      outcome: 'not-applied',
      hint:
        'Give all servers the same max_payload, high enough, or lower minFrameBytes of the transport. A node that runs needs ' +
        'what its first server took, and is content with less when it is started again.',
    })
    this.serverLimitBytes = serverLimitBytes
    this.neededBytes = neededBytes
  }
}

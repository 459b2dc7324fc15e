/** The settings that one transport alone takes. */
export interface TransportSettings {
  readonly transport: 'nats' | 'tcp'
  readonly natsCreds: string | undefined
  readonly natsNkey: string | undefined
  readonly peers: ReadonlyMap<string, string>
  readonly tcpListen: string | undefined
  readonly secret: string | undefined
  readonly secretFile: string | undefined
  readonly allowUnauthenticated: boolean
}

/**
 * What was given for the transport that this node does not use. Nobody would look at it, and whoever gave a secret would take the node for
 * protected by it.
 */
export function otherTransportProblems(settings: TransportSettings): readonly string[] {
  const { transport, natsCreds, natsNkey, peers, tcpListen, secret, secretFile, allowUnauthenticated } = settings
  const isGiven =
    transport === 'tcp'
      ? { '--nats-creds': natsCreds !== undefined, '--nats-nkey': natsNkey !== undefined }
      : {
          '--peers': peers.size > 0,
          '--tcp-listen': tcpListen !== undefined,
          DSYS_SECRET: secret !== undefined,
          '--secret-file': secretFile !== undefined,
          '--allow-unauthenticated': allowUnauthenticated,
        }
  const [here, there, flag] = transport === 'tcp' ? ['TCP', 'NATS', 'nats'] : ['NATS', 'TCP', 'tcp']
  return Object.entries(isGiven).flatMap(([name, given]) =>
    given
      ? [
          `${name} is for ${there} alone, and this node uses ${here}: add --transport ${flag} if that is meant, or leave it out`,
        ]
      : [],
  )
}

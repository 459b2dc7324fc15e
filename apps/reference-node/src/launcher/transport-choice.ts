/** A `nats-server` that this process runs. */
export interface OwnNatsServer {
  readonly url: string
  readonly pid: number | undefined
  stop(): Promise<void>
}

/** What the repository's tooling offers; it has no types that a build could see. */
interface NatsTooling {
  readonly HOW_TO_GET_ONE: string
  findNatsServer(): string | undefined
  startNatsServer(options: { readonly binary: string }): Promise<OwnNatsServer>
}

/** How the nodes reach each other, and why so. */
export type TransportChoice =
  | { readonly type: 'given'; readonly url: string }
  | { readonly type: 'own'; readonly server: OwnNatsServer }
  /** TCP because it was asked for, or with `howToGetNats` because there is no server. */
  | { readonly type: 'tcp'; readonly howToGetNats: string | undefined }

const TOOLING = new URL('../../../../tooling/nats-server/index.mjs', import.meta.url)

/**
 * What was asked for; else the server that is given, else one from the PATH that is started here, else TCP.
 *
 * @throws Error when NATS was asked for and there is no server
 */
export async function chooseTransport(
  wanted: 'nats' | 'tcp' | undefined,
  url: string | undefined,
): Promise<TransportChoice> {
  if (wanted === 'tcp') return { type: 'tcp', howToGetNats: undefined }
  if (url !== undefined) return { type: 'given', url }
  const tooling = (await import(TOOLING.href)) as NatsTooling
  const binary = tooling.findNatsServer()
  if (binary !== undefined) return { type: 'own', server: await tooling.startNatsServer({ binary }) }
  if (wanted === 'nats') throw new Error(`There is no nats-server. ${tooling.HOW_TO_GET_ONE}`)
  return { type: 'tcp', howToGetNats: tooling.HOW_TO_GET_ONE }
}

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
export type NatsChoice =
  | { readonly type: 'given'; readonly url: string }
  | { readonly type: 'own'; readonly server: OwnNatsServer }
  | { readonly type: 'none'; readonly howToGetOne: string }

const TOOLING = new URL('../../../../tooling/nats-server/index.mjs', import.meta.url)

/** Takes the server that is given, else starts one from the PATH, else says how to get one. */
export async function chooseNats(url: string | undefined): Promise<NatsChoice> {
  if (url !== undefined) return { type: 'given', url }
  const tooling = (await import(TOOLING.href)) as NatsTooling
  const binary = tooling.findNatsServer()
  if (binary === undefined) return { type: 'none', howToGetOne: tooling.HOW_TO_GET_ONE }
  return { type: 'own', server: await tooling.startNatsServer({ binary }) }
}

/** Types of index.mjs, for tests written in TypeScript. The documentation stands with the code. */

export const HOW_TO_GET_ONE: string

export function findNatsServer(options?: { env?: NodeJS.ProcessEnv; folder?: string }): string | undefined

export function installNatsServer(options?: {
  log?: (line: string) => void
  env?: NodeJS.ProcessEnv
  folder?: string
  asRoot?: boolean
}): Promise<{ binary: string } | { reason: string }>

export interface StartNatsOptions {
  port?: number
  storeDir?: string
  config?: string
  cluster?: { name: string; routes: readonly string[] }
  binary?: string
}

export class NatsServer implements AsyncDisposable {
  private constructor()
  readonly port: number
  readonly url: string
  readonly routeUrl: string
  readonly pid: number | undefined
  readonly output: string
  stop(): Promise<void>
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  reload(config: string): void
  restart(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export function startNatsServer(options?: StartNatsOptions): Promise<NatsServer>

export interface StartNatsClusterOptions {
  configs?: readonly string[]
  binary?: string
}

export class NatsCluster implements AsyncDisposable {
  private constructor()
  readonly servers: readonly [NatsServer, NatsServer, NatsServer]
  readonly urls: readonly string[]
  whole(): Promise<void>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export function startNatsCluster(options?: StartNatsClusterOptions): Promise<NatsCluster>

export interface NatsForTests {
  readonly reason: string | undefined
  start(options?: StartNatsOptions): Promise<NatsServer>
  startCluster(options?: StartNatsClusterOptions): Promise<NatsCluster>
  describe(
    describe: { (name: string, body: () => void): unknown; skip(name: string, body: () => void): unknown },
    name: string,
    body: () => void,
  ): void
}

export function natsForTests(options?: {
  env?: NodeJS.ProcessEnv
  folder?: string
  log?: (line: string) => void
}): Promise<NatsForTests>

import { join } from 'node:path'
import { systemClock } from '@dsys/runtime'
import { EXIT_IDENTITY_LOST } from '../identity-lost-hint.ts'
import { EXIT_SIDE_DOWN } from '../side-down.ts'
import { freePorts, isPortFree } from './free-port.ts'
import { describeEnd, NodeProcess } from './node-process.ts'
import { chooseTransport, type TransportChoice } from './transport-choice.ts'

/** Options of a {@link ClusterLauncher}. */
export interface ClusterLauncherOptions {
  /** How many nodes. */
  readonly nodes: number
  /** How the nodes shall reach each other. Default: over NATS where there is a server, else over TCP. */
  readonly transport?: 'nats' | 'tcp' | undefined
  /** The NATS server to use; without one, one from the PATH is started. */
  readonly nats?: string | undefined
  /** The folder with one folder for each node. */
  readonly directory: string
  /** HTTP ports from here on, where they are free; 0 takes free ones. */
  readonly httpPort: number
  readonly logLevel: string
  /** Whether a node that ends by itself is started again. Default true. */
  readonly restart?: boolean
  /** What happened, for the screen. */
  readonly say: (line: string) => void
}

/** One node of the cluster, as the launcher shows it. */
export interface LaunchedNode {
  readonly id: string
  readonly url: string
  readonly pid: number
}

const STOP_TIMEOUT_MS = 25_000
/** A server on this machine answers at once, or is not there. */
const CONNECT_TIMEOUT_MS = '5000'
/** A node that ends by itself comes back after this, at most {@link MAX_RESTARTS} times within {@link RESTART_WINDOW_MS}. */
const RESTART_DELAY_MS = 1_000
const MAX_RESTARTS = 5
const RESTART_WINDOW_MS = 60_000

/** Runs a cluster on this machine, one process a node, over NATS or from process to process. */
export class ClusterLauncher {
  readonly #options: ClusterLauncherOptions
  readonly #ids: readonly string[]
  readonly #processes = new Map<string, NodeProcess>()
  readonly #ports = new Map<string, number>()
  readonly #restartsMs = new Map<string, number[]>()
  /** Over TCP: where each node listens, for all of them. */
  #peers = ''
  #transport: TransportChoice | undefined
  #stopping: Promise<boolean> | undefined

  constructor(options: ClusterLauncherOptions) {
    this.#options = options
    this.#ids = Array.from({ length: options.nodes }, (_, i) => `n${i + 1}`)
  }

  /** How the nodes reach each other. */
  get transport(): TransportChoice | undefined {
    return this.#transport
  }

  get nodes(): readonly LaunchedNode[] {
    return [...this.#processes.values()].map(({ id, pid, started }) => ({ id, url: started?.http ?? '', pid }))
  }

  /** Resolves once every node listens, or when it is stopped meanwhile. When it throws, call {@link ClusterLauncher.stop}. */
  async start(): Promise<void> {
    await this.#choosePorts()
    this.#transport = await chooseTransport(this.#options.transport, this.#options.nats)
    if (this.#transport.type === 'tcp') {
      const ports = await freePorts(this.#ids.length)
      this.#peers = this.#ids.map((id, i) => `${id}=127.0.0.1:${ports[i]}`).join(',')
    }
    if (this.#stopping !== undefined) return this.#stopServer()
    for (const id of this.#ids) this.#launch(id)
    await Promise.all([...this.#processes.values()].map((node) => node.whenStarted()))
  }

  /**
   * Stops the nodes one after the other, so that each can hand over to the next; then the NATS server, if it is ours.
   * Returns whether every node stopped cleanly.
   */
  stop(): Promise<boolean> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Ends everything at once. */
  kill(): void {
    this.#stopping ??= Promise.resolve(false)
    for (const node of this.#processes.values()) node.signal('SIGKILL')
  }

  async #stop(): Promise<boolean> {
    let clean = true
    for (const node of this.#processes.values()) {
      if (!node.running && node.started === undefined) continue
      const how = await node.stop(STOP_TIMEOUT_MS)
      if (how.code === 0) continue
      clean = false
      this.#options.say(`${node.id} did not stop cleanly (${describeEnd(how)}); its log is ${node.logFile}`)
    }
    await this.#stopServer()
    return clean
  }

  async #stopServer(): Promise<void> {
    if (this.#transport?.type === 'own') await this.#transport.server.stop()
  }

  async #choosePorts(): Promise<void> {
    const { httpPort, say } = this.#options
    for (const [i, id] of this.#ids.entries()) {
      const wanted = httpPort === 0 ? 0 : httpPort + i
      const free = wanted === 0 || (await isPortFree(wanted))
      if (!free) say(`Port ${wanted} is in use, so ${id} takes a free one.`)
      this.#ports.set(id, free ? wanted : 0)
    }
  }

  #flags(id: string): string[] {
    return [
      ...['--voters', this.#ids.join(',')],
      ...['--http-port', String(this.#ports.get(id))],
      ...['--log-level', this.#options.logLevel],
      ...(this.#transport?.type === 'tcp'
        ? ['--transport', 'tcp', '--peers', this.#peers]
        : ['--transport', 'nats', '--nats-connect-timeout-ms', CONNECT_TIMEOUT_MS]),
    ]
  }

  #launch(id: string): void {
    const choice = this.#transport
    const url = choice?.type === 'own' ? choice.server.url : choice?.type === 'given' ? choice.url : undefined
    const node = new NodeProcess({
      id,
      directory: join(this.#options.directory, id),
      flags: this.#flags(id),
      // Not as a flag: the URL may hold a password, and command lines are for everybody on the machine to read.
      env: { ...process.env, ...(url === undefined ? {} : { NATS_URL: url }) },
    })
    this.#processes.set(id, node)
    void node.whenStarted().then(
      (started) => {
        // A node that comes back keeps its address.
        this.#ports.set(id, Number(new URL(started.http).port))
        void node.ended.then((how) => {
          if (how.code === EXIT_IDENTITY_LOST) this.#lost(node)
          else if (how.code === EXIT_SIDE_DOWN) this.#ended(node, 'its side of the split cluster does not go on')
          else this.#ended(node, describeEnd(how))
        })
      },
      (error: Error) => {
        // The first start is awaited by start(); a node that cannot come back is told of here.
        if (this.#restartsMs.has(id)) this.#ended(node, error.message)
      },
    )
  }

  /** A node came back without the disk that the cluster knows it by: it would stop again and again. */
  #lost({ id, pid, logFile, command }: NodeProcess): void {
    if (this.#stopping !== undefined) return
    const { say } = this.#options
    say(
      `${id} (pid ${pid}) ended: its disk was lost, so the others do not let it count. It stays down; what to do is at the end of ${logFile}`,
    )
    const environment = this.#environmentToSay()
    say(`Once ${id} is removed, this starts it again${environment}, to be added: ${command} --join`)
  }

  /** The URL that was given may hold a password, so it is not said again. */
  #environmentToSay(): string {
    if (this.#transport?.type === 'own') return `, with NATS_URL=${this.#transport.server.url} in its environment`
    return this.#transport?.type === 'given' ? ', with the URL of your NATS server as NATS_URL in its environment' : ''
  }

  /** A node that had started ended by itself, or could not come back. */
  #ended(node: NodeProcess, how: string): void {
    if (this.#stopping !== undefined) return
    const { id, pid, logFile } = node
    if (this.#options.restart === false) {
      this.#options.say(`${id} (pid ${pid}) ended: ${how}. Its log is ${logFile}`)
      return
    }
    const nowMs = systemClock.monotonicMs()
    const recent = (this.#restartsMs.get(id) ?? []).filter((atMs) => atMs > nowMs - RESTART_WINDOW_MS)
    if (recent.length >= MAX_RESTARTS) {
      this.#options.say(
        `${id} (pid ${pid}) ended: ${how}. It has ended too often and stays down; its log is ${logFile}`,
      )
      return
    }
    this.#restartsMs.set(id, [...recent, nowMs])
    this.#options.say(
      `${id} (pid ${pid}) ended: ${how}. It comes back in ${RESTART_DELAY_MS / 1_000} s from its own disk.`,
    )
    systemClock.setTimer(RESTART_DELAY_MS, () => this.#comeBack(id))
  }

  #comeBack(id: string): void {
    if (this.#stopping !== undefined) return
    this.#launch(id)
    const node = this.#processes.get(id) as NodeProcess
    node.whenStarted().then(
      ({ http, pid }) => this.#options.say(`${id} is back at ${http} (pid ${pid}).`),
      () => undefined,
    )
  }
}

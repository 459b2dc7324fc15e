import type { Random, Service } from '@dsys/runtime'
import type { SimDisk } from '../disk/sim-disk.ts'
import type { SimNetwork } from '../network/sim-network.ts'
import { NodeDownError, StartFailedError } from './errors.ts'
import { fileLog } from './file-log.ts'
import type { SimLife } from './life.ts'
import type { LogBook } from './log-book.ts'
import type { MachineProgram } from './machine.ts'
import { SimMeter } from './sim-meter.ts'
import type { StartService, TestNode, TestService } from './test-node.ts'

/** Small files, so that a run of a few seconds sees the log go on from one to the next. */
const SEGMENT_BYTES = 64 * 1_024
const MAX_STATUS_CHARACTERS = 400

/** What all nodes of a test cluster share. */
export interface HostedNodeParts<S extends TestService> {
  readonly id: string
  readonly ids: readonly string[]
  readonly network: SimNetwork
  readonly disk: SimDisk
  readonly random: Random
  readonly logs: LogBook
  readonly buggify: TestNode['buggify']
  readonly start: StartService<S>
}

/** A life that has begun, and how far it has come. */
interface Hosted<S> {
  readonly life: SimLife
  readonly ports: readonly Service[]
  service: S | undefined
  failure: unknown
}

/** What runs on one machine of a test cluster: makes the ports of each life, and starts its service. */
export class HostedNode<S extends TestService> implements MachineProgram {
  readonly meter: SimMeter = new SimMeter()
  readonly #parts: HostedNodeParts<S>
  #hosted: Hosted<S> | undefined
  #exit: string | undefined

  constructor(parts: HostedNodeParts<S>) {
    this.#parts = parts
  }

  /** The service of the life that runs, once it has started. */
  get service(): S | undefined {
    return this.#hosted?.life.alive ? this.#hosted.service : undefined
  }

  /** Whether `life` has started its service, or never will. */
  settled(life: SimLife | undefined): boolean {
    return !life?.alive || (this.#hosted?.life === life && this.#hosted.service !== undefined)
  }

  /** Throws StartFailedError where the service could not start, and NodeDownError where it does not run. */
  assertStarted(): void {
    if (this.service !== undefined) return
    if (this.#hosted?.failure !== undefined) throw new StartFailedError(this.#parts.id, this.#hosted.failure)
    throw new NodeDownError(this.#parts.id, this.state)
  }

  /** How it stands, in a few words. */
  get state(): string {
    const hosted = this.#hosted
    if (hosted === undefined) return 'not started'
    if (hosted.life.alive) {
      const step = hosted.service === undefined ? 'starting' : 'running'
      return hosted.life.process.paused ? `${step}, and paused` : step
    }
    if (hosted.failure !== undefined) return `down: it could not start (${textOf(hosted.failure)})`
    return this.#exit === undefined ? 'down' : `down: it ended itself (${this.#exit})`
  }

  /** How it stands, with what its service says of itself. */
  describe(): string {
    const { service, state } = this
    const status = service?.status && statusOf(() => service.status?.())
    return status === undefined ? state : `${state}, ${status.slice(0, MAX_STATUS_CHARACTERS)}`
  }

  start(life: SimLife): void {
    const abort = new AbortController()
    life.onEnd(() => abort.abort(new DOMException('this life of the node is over', 'AbortError')))
    const node = this.#portsOf(life, abort.signal)
    const hosted: Hosted<S> = {
      life,
      ports: [node.transport, node.log, node.state],
      service: undefined,
      failure: undefined,
    }
    if (!life.impostor) {
      this.#hosted = hosted
      this.#exit = undefined
    }
    void this.#run(hosted, node)
  }

  /** Stops the service, then what it ran on, and ends the process. Throws what the stopping threw. */
  async stop(): Promise<void> {
    const hosted = this.#hosted
    if (hosted === undefined || !hosted.life.alive) return
    const failures: unknown[] = []
    const stops = [() => stopService(hosted.service), ...hosted.ports.map((port) => () => port.stop())]
    for (const stop of stops) {
      try {
        await stop()
      } catch (error) {
        failures.push(error)
      }
    }
    hosted.life.end()
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `stopping ${this.#parts.id} failed`)
  }

  async #run(hosted: Hosted<S>, node: TestNode): Promise<void> {
    try {
      for (const port of hosted.ports) await port.start()
      const service = await this.#parts.start(node)
      if (hosted.life.alive) hosted.service = service
    } catch (error) {
      // What a process does that was killed meanwhile is nobody's business any more.
      if (!hosted.life.alive) return
      hosted.failure = error
      if (hosted.life.impostor) node.logger.log('warn', 'a second process with this id cannot start', { error })
      hosted.life.end()
    }
  }

  #portsOf(life: SimLife, signal: AbortSignal): TestNode {
    const { id, ids, network, disk, random, logs, buggify } = this.#parts
    const { process, generation } = life
    const { clock, deviceClock } = process
    const logger = logs.logger(life)
    const mounted = disk.mount({ clock: deviceClock })
    const own = random.stream(`${id} ${generation}`)
    const log = fileLog(
      { disk: mounted, clock, random: own.stream('log'), logger, meter: this.meter },
      { directory: 'raft', segmentBytes: SEGMENT_BYTES },
    )
    return {
      id,
      ids,
      generation,
      clock,
      random: own,
      logger,
      meter: this.meter,
      buggify,
      transport: network.endpoint(id, { process, generation }),
      disk: mounted,
      diskLost: life.diskLost,
      log,
      state: disk.stateStorage({ clock: deviceClock }),
      signal,
      exit: (why) => {
        if (!life.alive) return
        if (!life.impostor) this.#exit = why
        life.end()
      },
    }
  }
}

async function stopService(service: TestService | undefined): Promise<void> {
  if (service?.stop !== undefined) await service.stop()
  else await service?.[Symbol.asyncDispose]?.()
}

/** What a service says of itself. It is asked where something else has failed already, which its own failing must not hide. */
function statusOf(ask: () => unknown): string | undefined {
  try {
    return JSON.stringify(ask(), (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  } catch (error) {
    return `its status cannot be told (${textOf(error)})`
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

import { Kv, type KvCommand, type KvResult, type KvState, type LinearizableKeyspace } from '@dsys/kv'
import { type RaftEvent, RaftNode, type RaftPorts } from '@dsys/raft'
import { type Buggify, DsysError, type Random, silentLogger, silentMeter, utf8 } from '@dsys/runtime'
import {
  fileLog,
  type MachineProgram,
  type SimDisk,
  type SimLife,
  type SimMachineDisk,
  type SimNetwork,
  storedGeneration,
} from '@dsys/simulation'
import { AimedTransport } from './aimed-transport.ts'
import { DurableLog } from './durable-log.ts'
import type { KvKnobs, Moment } from './knobs.ts'
import type { Replicas } from './replicas.ts'

const DIRECTORY = 'data'
const GROUP = 'main'

/** What a life runs, once it has started. */
export interface KvService {
  readonly life: SimLife
  readonly raft: RaftNode<KvState, KvCommand, KvResult>
  readonly keyspace: LinearizableKeyspace<string>
}

/** A node took another role. */
export type RoleChange = Extract<RaftEvent, { readonly type: 'RoleChanged' }>

/** What the node of one machine is made of. */
export interface KvProgramParts {
  readonly id: string
  readonly ids: readonly string[]
  readonly knobs: KvKnobs
  readonly network: SimNetwork
  readonly disk: SimDisk
  readonly machineDisk: SimMachineDisk
  readonly random: Random
  readonly buggify: Buggify
  readonly replicas: Replicas
  readonly count: (what: string) => void
  /** Moments at which this run may crash a node. */
  readonly moments: ReadonlySet<string>
  readonly reached: (life: SimLife, moment: Moment) => void
  readonly onRole: (life: SimLife, change: RoleChange) => void
  /** The life has ended itself. */
  readonly onExit: (life: SimLife, error: unknown) => void
  readonly nowMs: () => number
  /** A life does not find on its disk what an earlier one was told to be durable. */
  readonly onLost: (what: string) => void
  /** A life has found its disk damaged, or not found it: it must not take part any more. */
  readonly onDamaged: (life: SimLife, error: unknown, salvaged: boolean) => void
}

/** Until a batch is followed by another, or sealed, damage to it looks like a torn write: a while by any clock, also of a slow process. */
const UNPROVEN_MS = 2_000

type Log = RaftPorts<unknown, unknown, unknown>['log']

/** One whole node with the real codecs and, mostly, the real write-ahead log. */
export class KvProgram implements MachineProgram {
  readonly #parts: KvProgramParts
  #durable: DurableLog
  #service: KvService | undefined

  constructor(parts: KvProgramParts) {
    this.#parts = parts
    this.#durable = new DurableLog(parts.onLost, parts.nowMs)
  }

  /** What runs, perhaps in a process that is paused. */
  get service(): KvService | undefined {
    return this.#service?.life.alive ? this.#service : undefined
  }

  /** Whether it has in its log, for good, by which disks these nodes are known; false while it is down. */
  knowsDisks(ids: readonly string[]): boolean {
    const { service } = this
    return service !== undefined && this.#durable.knowsDisks(ids, service.raft.status().commitIndex)
  }

  /** Its disk is another from now on, an empty one. */
  forget(): void {
    const { onLost, nowMs } = this.#parts
    this.#durable = new DurableLog(onLost, nowMs)
  }

  start(life: SimLife): void {
    // A second process that is first would be no mistake: it would be the node.
    if (life.impostor && this.service === undefined) life.end()
    else void this.#run(life)
  }

  async #run(life: SimLife): Promise<void> {
    try {
      if (this.#parts.machineDisk.damaged) await this.#inspect(life)
      else await this.#takePart(life)
    } catch (error) {
      // What a process does that was killed meanwhile is nobody's business any more.
      if (!life.alive) return
      life.end()
      this.#parts.onExit(life, error)
    }
  }

  async #takePart(life: SimLife): Promise<void> {
    const { id, ids, knobs, replicas, count, onRole, onExit } = this.#parts
    const ports = this.#portsOf(life)
    const firstVoters = ids.slice(0, knobs.members.first)
    const { generation, log } = await this.#open(life)
    const transport = this.#aimed(life, this.#parts.network.endpoint(id, { process: life.process, generation }))
    await transport.start()
    const raft = new RaftNode(
      { ...ports, transport, log, machine: replicas.machine(id, `${id}#${life.generation}`) },
      { ...knobs.raft, id, group: GROUP, voters: firstVoters.includes(id) ? firstVoters : [] },
    )
    await raft.start()
    if (!life.alive) return
    const keyspace = new Kv({ raft }).linearizable('default', { codec: utf8 })
    this.#service = { life, raft, keyspace }
    for await (const event of raft.events({ capacity: 100_000 })) {
      if (!life.alive) return
      count(`raft.${event.type}`)
      if (event.type === 'RoleChanged') {
        onRole(life, event)
        if (event.role === 'leader') this.#reached(life, 'leader')
      } else if (event.type === 'Failed') {
        life.end()
        onExit(life, event.error)
        return
      }
    }
  }

  /** What a node does that starts on a damaged disk, before it meets the others. */
  async #inspect(life: SimLife): Promise<void> {
    let found: unknown
    let salvaged = false
    try {
      const { log } = await this.#open(life, UNPROVEN_MS)
      found = await log.openGroup(GROUP).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (found !== undefined) salvaged = (await log.openGroup(GROUP, { salvage: true })).recovered.lost !== undefined
    } catch (error) {
      found = error
    }
    if (life.alive) this.#parts.onDamaged(life, found, salvaged)
  }

  async #open(life: SimLife, unprovenMs = 0): Promise<{ readonly generation: number; readonly log: Log }> {
    life.onEnd(() => this.#durable.ended())
    const { knobs, disk } = this.#parts
    const ports = this.#portsOf(life)
    const { clock } = ports
    const mount = { clock: life.process.deviceClock, ...this.#diskHook(life) }
    if (knobs.log === 'memory') {
      const log = disk.logStorage(mount)
      await log.start()
      return { generation: life.generation, log: this.#durable.watch(log, unprovenMs) }
    }
    const mounted = disk.mount(mount)
    const generation = await storedGeneration({ disk: mounted, clock }, DIRECTORY)
    const log = fileLog({ ...ports, disk: mounted }, { ...knobs.file, directory: DIRECTORY })
    await log.start()
    return { generation, log: this.#durable.watch(log, unprovenMs) }
  }

  #portsOf(life: SimLife) {
    const { random, buggify } = this.#parts
    const own = random.stream(String(life.generation))
    return { clock: life.process.clock, random: own, logger: silentLogger, meter: silentMeter, buggify }
  }

  #aimed(life: SimLife, transport: RaftPorts<unknown, unknown, unknown>['transport']): typeof transport {
    const { moments } = this.#parts
    const looks = [...moments].some((moment) => moment.endsWith('-sent'))
    return looks ? new AimedTransport(transport, (moment) => this.#reached(life, moment)) : transport
  }

  #diskHook(life: SimLife): Pick<Parameters<SimDisk['mount']>[0], 'onOperation'> {
    const { moments } = this.#parts
    if (![...moments].some((moment) => moment.startsWith('before-') || moment.startsWith('after-'))) return {}
    return {
      onOperation: ({ type, durable }, phase) => {
        const what = durable && type !== 'sync-directory' ? 'persist' : type
        this.#reached(life, `${phase}-${what}` as Moment)
      },
    }
  }

  #reached(life: SimLife, moment: Moment): void {
    if (life.alive && this.#parts.moments.has(moment)) this.#parts.reached(life, moment)
  }
}

/** Whether `error`, or what caused it, is something that a node cannot help: its disk or its broker. */
export function isTrouble(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'DiskFaultError' || cause.name === 'PowerLossError') return true
    if (cause instanceof DsysError && TROUBLES.includes(cause.code)) return true
  }
  return false
}

const TROUBLES: readonly string[] = ['DSYS_STORAGE_FAILED', 'DSYS_SIMULATION_UNREACHABLE']

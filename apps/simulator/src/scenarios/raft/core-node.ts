import type { CoreConfig, RaftCore } from '@dsys/raft/core'
import type { Random } from '@dsys/runtime'
import { type MachineProgram, type SimLife, SimMachine } from '@dsys/simulation'
import type { Observed } from './checker.ts'
import { CoreDisk } from './core-disk.ts'
import { CoreDriver } from './core-driver.ts'
import type { RaftWorld } from './core-world.ts'

/** How a share of the clocks' spread shows as a rate, and where a monotonic clock begins. */
const CLOCK_START_MS = 1_000_000

/** One node: a machine with its disk and clock, and the driver of the life that runs on it. */
export class CoreNode implements MachineProgram, Observed {
  readonly id: string
  readonly disk: CoreDisk
  readonly machine: SimMachine
  /** Chance of this node: the seeds of its cores. */
  readonly random: Random
  /** Absent while nothing runs here. */
  driver: CoreDriver | undefined
  readonly #world: RaftWorld

  constructor(id: string, world: RaftWorld, random: Random, healed: () => boolean) {
    const { scheduler, trace, knobs } = world
    this.id = id
    this.#world = world
    this.random = random.stream('core')
    const disks = random.stream('disk')
    const factor = id === world.ids[0] ? knobs.lateDiskFactor : 1
    const delayMs = (): number => (healed() ? 0.5 : knobs.diskDelayMs * factor * (0.5 + disks.float()))
    this.disk = new CoreDisk({ scheduler, random: disks, delayMs })
    const clocks = random.stream('clock')
    const clock = {
      monotonicMs: clocks.integer(0, CLOCK_START_MS),
      rate: 1 + knobs.clockSpread * (clocks.float() - 0.5),
    }
    this.machine = new SimMachine({ id, scheduler, trace, program: this, disk: this.disk }, { clock, impostors: true })
  }

  /** It is made as a witness, in every life. */
  get witness(): boolean {
    return this.#world.witnesses.includes(this.id)
  }

  /**
   * What it is in every life on one disk. On a later one it waits to be added, and is told of no voters: a majority of such nodes would
   * else begin the group anew.
   */
  get madeAs(): Pick<CoreConfig, 'id' | 'voters' | 'witness' | 'incarnation'> {
    const { firstVoters } = this.#world
    const { replaced, hardState } = this.disk
    return {
      id: this.id,
      witness: this.witness,
      voters: firstVoters.includes(this.id) && replaced === 0 ? firstVoters : [],
      ...(hardState.incarnation === undefined ? {} : { incarnation: hardState.incarnation }),
    }
  }

  /** One for each disk that it has had: whoever has lost the disk has forgotten what was promised. */
  get identity(): string {
    return `${this.id}/${this.disk.replaced}`
  }

  /** The disk is lost, with the process that ran on it. The machine has an empty one, and can start again. */
  loseDisk(): void {
    this.machine.replaceDisk()
    this.disk.replace()
    this.#world.promises?.forget(this.id)
  }

  get core(): RaftCore | undefined {
    return this.driver?.core
  }

  start(life: SimLife): void {
    const { count } = this.#world
    if (life.impostor) {
      this.#refuse(life)
      return
    }
    if (this.disk.damaged) {
      // What a checksum covers is not what was written: the node refuses to start, and stays away.
      count('start.damaged')
      this.machine.lose()
      return
    }
    if (this.disk.unreadable) {
      count('start.unreadable')
      life.end()
      return
    }
    const begin = (): void => {
      this.driver = new CoreDriver(this.#world, this, life)
      life.onEnd(() => {
        this.driver = undefined
      })
    }
    if (this.disk.hardState.incarnation !== undefined || !this.#world.identified(this.id)) begin()
    else this.#storeIncarnation(life, begin)
  }

  /** A new disk gets its incarnation before anything leaves the node: it stands beside term and vote. */
  #storeIncarnation(life: SimLife, begin: () => void): void {
    const incarnation = this.random.integer(1, 2 ** 32)
    const done = (failed: boolean): void => {
      life.process.input(() => {
        if (failed) this.stopItself()
        else begin()
      })
    }
    this.disk.persist({ hardState: { ...this.disk.hardState, incarnation }, entries: [] }, done)
  }

  /**
   * A second process with the id of a voter. On the same disk it cannot start, since the log is locked by whoever has it open. Until
   * it gives up it is where some of the frames for this id go. That a node begins on another disk is the fault `disk-replaced`
   * (P-30); that it does so beside the first is the business of whoever starts processes, so this scenario has none of that.
   */
  #refuse(life: SimLife): void {
    const { count, ids, trouble } = this.#world
    count('start.locked')
    for (const from of ids) if (from !== this.id) life.onEnd(trouble(from, this.id, { lossRate: 0.5 }))
  }

  /** A crash at a telling moment. */
  crashAimed(): void {
    this.#crashForAWhile()
  }

  /** The disk has failed: going on could harm data, and nobody knows what of the last writes is there. */
  stopItself(): void {
    this.#world.count('node.stopped-itself')
    this.#crashForAWhile()
  }

  /** Whoever watches over the process starts it again. */
  #crashForAWhile(): void {
    const { scheduler, knobs } = this.#world
    this.machine.crash({ unsynced: 'drawn', disk: 'kept' })
    scheduler.after(knobs.restartDelayMs * (0.5 + this.random.float()), () => this.machine.restart())
  }
}

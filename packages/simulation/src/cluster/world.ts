import type { FaultyNetwork, FaultyWorld } from '../world.ts'
import type { SimMachine } from './machine.ts'

/** What a {@link SimWorld} is made of. */
export interface SimWorldParts {
  readonly machines: readonly SimMachine[]
  readonly network: FaultyNetwork
  /** Whom most would call the leader now; default: nobody. */
  readonly leader?: () => string | undefined
}

/** All machines of a simulation and the network between them, as faults see them. */
export class SimWorld implements FaultyWorld {
  readonly ids: readonly string[]
  readonly network: FaultyNetwork
  readonly #machines: ReadonlyMap<string, SimMachine>
  readonly #leader: () => string | undefined

  constructor({ machines, network, leader = () => undefined }: SimWorldParts) {
    this.ids = machines.map(({ id }) => id)
    this.network = network
    this.#machines = new Map(machines.map((machine) => [machine.id, machine]))
    this.#leader = leader
  }

  leader(): string | undefined {
    return this.#leader()
  }

  /** Throws RangeError when there is no machine of this name. */
  node(id: string): SimMachine {
    const machine = this.#machines.get(id)
    if (machine === undefined) throw new RangeError(`there is no node ${id}; there are ${this.ids.join(', ')}`)
    return machine
  }
}

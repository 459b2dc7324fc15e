import { DsysError, SeededRandom } from '@dsys/runtime'
import { Cluster } from './cluster.ts'
import { isLinearizable, type Operation } from './linearizable.ts'
import { type RegisterCommand, type Registers, registers } from './machines.ts'
import { NetworkFaults, slowSync } from './network-faults.ts'
import { failsOnlyWith } from './open-outcomes.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']
const CLIENTS = 6
const STEPS = 160
const CALL_TIMEOUT_MS = 1_500

type Group = Cluster<Registers, RegisterCommand, boolean>

interface Outcome {
  /** Operations with a certain outcome, and all. */
  readonly certain: number
  readonly all: number
}

/** Whole nodes under faults from one seed, and clients whose history must be linearizable. Throws what it finds wrong. */
export async function simulate(seed: number): Promise<Outcome> {
  const run = new Simulation(seed)
  try {
    return await run.run()
  } catch (error) {
    const replay = `RAFT_SEED=${seed} npx vitest run --project unit packages/raft/test/node/simulation.test.ts`
    throw new Error(
      `seed ${seed} failed; replay it by: ${replay}\n${String(error)}\n${run.story.slice(-40).join('\n')}`,
      {
        cause: error,
      },
    )
  }
}

class Simulation {
  readonly story: string[] = []
  readonly #random: SeededRandom
  readonly #cluster: Group
  readonly #histories = new Map<string, Operation[]>(KEYS.map((key) => [key, []]))
  #instant = 0
  #values = 0
  /** Clients that wait for a call; each makes one at a time. */
  readonly #waiting = new Set<{ readonly id: string }>()

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    const disks = this.#random.stream('disks') as SeededRandom
    this.#cluster = new Cluster(registers, {
      seed,
      size: this.#random.float() < 0.3 ? 5 : 3,
      raft: {
        snapshotEveryBytes: 2_048,
        keepEntries: this.#random.integer(1, 20),
        heartbeatIntervalMs: 50,
        electionTimeoutMs: 300,
      },
      network: { maxFrameBytes: 2_048 },
      sync: (_id, clock) => slowSync(disks, (delayMs, fire) => clock.setTimer(delayMs, fire)),
    })
  }

  async run(): Promise<Outcome> {
    await using cluster = this.#cluster
    for (const id of cluster.ids) await cluster.start(id)
    for (let step = 0; step < STEPS; step++) {
      await this.#fault()
      for (let calls = this.#random.integer(0, 4); calls > 0; calls--) if (this.#waiting.size < CLIENTS) this.#call()
      await cluster.advance(this.#random.integer(1, 60))
    }
    await this.#quiet()
    return this.#verdict()
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.integer(0, from.length)] as T
  }

  #tell(what: string): void {
    this.story.push(`${this.#cluster.clock.monotonicMs().toFixed(1)} ms: ${what}`)
  }

  #faults(): NetworkFaults {
    const { network, ids } = this.#cluster
    return new NetworkFaults(network, ids, this.#random, (what) => this.#tell(what))
  }

  async #fault(): Promise<void> {
    const { ids, lives, network } = this.#cluster
    const draw = this.#random.float()
    if (draw < 0.03 && lives.size > 0) {
      const id = this.#pick([...lives.keys()])
      const keep = this.#random.integer(0, 4)
      this.#tell(`${id} crashes, ${keep} waiting changes reach its disk`)
      this.#cluster.crash(id, { keep })
      for (const client of this.#waiting) if (client.id === id) this.#waiting.delete(client)
    } else if (draw < 0.13 && lives.size < ids.length) {
      const id = this.#pick(ids.filter((each) => !lives.has(each)))
      this.#tell(`${id} starts`)
      await this.#cluster.start(id)
    } else if (draw < 0.16) {
      this.#faults().partition()
    } else if (draw < 0.18) {
      this.#faults().cut()
    } else if (draw < 0.25) {
      this.#tell('the network is whole')
      network.heal()
    } else if (draw < 0.28) {
      this.#faults().roughen(60)
    } else if (draw < 0.3) {
      const leader = this.#cluster.leader()
      if (leader === undefined) return
      this.#tell(`${leader} is to hand over`)
      this.#cluster
        .node(leader)
        .transferLeadership({ timeoutMs: 500 })
        .catch(failsOnlyWith('DSYS_RAFT_TRANSFER_FAILED'))
    }
  }

  /** One call of a client through a random node. */
  #call(): void {
    if (this.#cluster.lives.size === 0) return
    const [id, life] = this.#pick([...this.#cluster.lives])
    const key = this.#pick(KEYS)
    const draw = this.#random.float()
    if (draw < 0.5) {
      this.#record(
        id,
        `${id} reads ${key}`,
        key,
        life.raft.read((state) => state[key] ?? 0, { timeoutMs: CALL_TIMEOUT_MS }),
        (seen) => (value) => (seen === undefined || seen === value ? value : undefined),
      )
      return
    }
    const value = ++this.#values
    const expected = this.#random.integer(Math.max(0, value - 6), value)
    const command: RegisterCommand = draw < 0.8 ? { type: 'write', key, value } : { type: 'swap', key, expected, value }
    this.#record(
      id,
      `${id}: ${JSON.stringify(command)}`,
      key,
      life.raft.propose(command, { timeoutMs: CALL_TIMEOUT_MS }),
      (done) => (now) => {
        if (command.type === 'write') return value
        const swaps = now === expected
        if (done !== undefined && done !== swaps) return undefined
        return swaps ? value : now
      },
    )
  }

  /** Waits for a call and notes it in the history. A call that certainly had no effect is left out. */
  #record<T>(
    id: string,
    what: string,
    key: string,
    call: Promise<T>,
    effectOf: (result: T | undefined) => Operation['effect'],
  ): void {
    const client = { id }
    this.#waiting.add(client)
    const calledAt = ++this.#instant
    const history = this.#histories.get(key) as Operation[]
    // Until it returns it is one that may have any effect; a caller that crashes never learns more.
    const position =
      history.push({
        calledAt,
        returnedAt: Number.POSITIVE_INFINITY,
        certain: false,
        effect: effectOf(undefined),
        what,
      }) - 1
    const nothing: Operation = {
      calledAt,
      returnedAt: Number.POSITIVE_INFINITY,
      certain: false,
      effect: () => undefined,
      what,
    }
    this.#tell(`#${calledAt} ${what}`)
    call.then(
      (result) => {
        this.#waiting.delete(client)
        this.#tell(`#${calledAt} returns ${String(result)}`)
        history[position] = {
          calledAt,
          returnedAt: ++this.#instant,
          certain: true,
          effect: effectOf(result),
          what: `${what}: ${String(result)}`,
        }
      },
      (error: unknown) => {
        this.#waiting.delete(client)
        this.#tell(`#${calledAt} fails: ${String(error)}`)
        if (error instanceof DsysError && error.outcome === 'not-applied') history[position] = nothing
      },
    )
  }

  /** Ends every fault: the group must come to rest by itself, with one state everywhere. */
  async #quiet(): Promise<void> {
    const cluster = this.#cluster
    this.#tell('all faults end')
    cluster.network.heal()
    cluster.network.setLink(undefined)
    for (const id of cluster.ids) if (!cluster.lives.has(id)) await cluster.start(id)
    await cluster.advance(CALL_TIMEOUT_MS + 100)
    await cluster.elected()
    await cluster.converged()
    const broken = cluster.logged.filter(({ level }) => level === 'error')
    if (broken.length > 0)
      throw new Error(`a node stopped itself: ${broken.map(({ fields }) => String(fields.error)).join(', ')}`)
    const states = await Promise.all(cluster.ids.map((id) => cluster.state(id)))
    for (const state of states) {
      if (JSON.stringify(state) !== JSON.stringify(states[0]))
        throw new Error(`the states differ: ${JSON.stringify(states)}`)
    }
    for (const key of KEYS)
      this.#record(
        'n1',
        `n1 reads ${key} at last`,
        key,
        cluster.node('n1').read((state) => state[key] ?? 0),
        (seen) => (value) => (seen === undefined || seen === value ? value : undefined),
      )
    await cluster.advance(1_000)
  }

  #verdict(): Outcome {
    let certain = 0
    let all = 0
    for (const [key, history] of this.#histories) {
      certain += history.filter((operation) => operation.certain).length
      all += history.length
      if (!isLinearizable(history, 0)) throw new Error(`the history of register ${key} is not linearizable`)
    }
    return { certain, all }
  }
}

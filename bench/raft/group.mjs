/**
 * A Raft implementation that the bench measures: three nodes on this machine that replicate entries of 256 bytes.
 *
 * @typedef {object} System
 * @property {string} name
 * @property {boolean} [isOwn] it is dsys, and not one of its peers
 * @property {string} version
 * @property {string} form how its nodes run, and how they reach each other
 * @property {string} durability what happens on the disk before a proposal is answered
 * @property {string} proposers where the clients are
 * @property {(directory: string, options: { nodeFlags: readonly string[] }) => Promise<Group>} start a new group with its
 *   data below this folder; resolves when it has a leader
 *
 * @typedef {object} Group
 * @property {(clients: number, milliseconds: number) => Promise<RawWindow>} run proposes at the leader, in a closed loop
 * @property {() => Promise<number[]>} applied commands that each node has applied
 * @property {() => Promise<Pids>} pids
 * @property {(() => Promise<Costs>)} [costs] what a commit of this system must pay for at least
 * @property {() => Promise<void>} stop
 *
 * @typedef {Group & import('../failover/failovers.mjs').Mortal} MortalGroup a group whose nodes can be killed one by one
 *
 * @typedef {object} RawWindow
 * @property {number} commits
 * @property {number} us how long it took
 * @property {readonly [number, number][]} latencies microseconds, and how often
 *
 * @typedef {object} Pids
 * @property {readonly number[]} leader
 * @property {readonly number[]} followers
 * @property {readonly number[]} others whatever else it needs
 * @property {readonly number[]} clients
 *
 * @typedef {object} Costs
 * @property {readonly [number, number][]} trips of an empty frame to a follower and back, over the same transport
 * @property {readonly [number, number][]} syncs of one entry written to a file with room on the same disk
 * @property {readonly [number, number][]} bare of the messages and writes of one commit, by processes that do nothing else
 */

import { until } from '../processes.mjs'

const FORM_TIMEOUT_MS = 30_000
/** How long one command tries to have something committed. */
const TRY_MS = 50

/** Three nodes, each a {@link import('../worker.mjs').Worker}, that know the commands of the bench. */
export class WorkerGroup {
  #launch
  #workers
  #options

  /**
   * @param {number} nodes
   * @param {(index: number) => import('../worker.mjs').Worker} launch starts one, for the first time or on its own disk again
   * @param {{ others?: () => readonly number[], stopOthers?: () => Promise<void> }} [options] processes beside the nodes
   */
  constructor(nodes, launch, options = {}) {
    this.#launch = launch
    this.#options = options
    this.#workers = Array.from({ length: nodes }, (_, index) => launch(index))
  }

  /** Resolves when all of them follow the same leader. */
  async formed() {
    await until(
      'a group with one leader',
      async () => {
        const all = await Promise.all(this.#workers.map((worker) => worker.ask('status')))
        const leaders = all.filter(({ role }) => role === 'leader').length
        return leaders === 1 && all.every(({ leader }) => leader !== '' && leader === all[0]?.leader) ? true : undefined
      },
      { timeoutMs: FORM_TIMEOUT_MS },
    )
  }

  /** @param {number} index */
  worker(index) {
    const worker = this.#workers[index]
    if (worker === undefined) throw new RangeError(`there is no node ${index}`)
    return worker
  }

  /** Index of the node that says that it leads. */
  async leader() {
    const all = await Promise.all(this.#workers.map((worker) => worker.ask('status')))
    const index = all.findIndex(({ role }) => role === 'leader')
    return index === -1 ? undefined : index
  }

  async #leading() {
    return this.worker(await until('somebody leads', () => this.leader()))
  }

  /** @param {number} clients @param {number} milliseconds @returns {Promise<RawWindow>} */
  async run(clients, milliseconds) {
    return (await this.#leading()).ask(`run ${clients} ${milliseconds}`)
  }

  async applied() {
    const all = await Promise.all(this.#workers.map((worker) => worker.ask('status')))
    return all.flatMap(({ applied }) => applied)
  }

  async pids() {
    const leader = await this.#leading()
    const followers = this.#workers.filter((worker) => worker !== leader).map(({ pid }) => pid)
    return { leader: [leader.pid], followers, others: this.#options.others?.() ?? [], clients: [] }
  }

  /** @param {number} index */
  kill(index) {
    return this.worker(index).kill()
  }

  /** @param {number} dead @returns {Promise<number>} when a proposal of one of the others was committed */
  async firstWrite(dead) {
    const others = this.#workers.filter((_, index) => index !== dead)
    const deadlineMs = performance.now() + FORM_TIMEOUT_MS
    /** @type {number | undefined} */
    let committedMs
    await Promise.all(
      others.map(async (worker) => {
        while (committedMs === undefined) {
          const { committed } = await worker.ask(`first ${TRY_MS}`)
          if (committed) committedMs ??= performance.now()
          else if (performance.now() > deadlineMs)
            throw new Error(`nothing was committed within ${FORM_TIMEOUT_MS} ms after the leader was killed`)
        }
      }),
    )
    return committedMs ?? Number.NaN
  }

  /** @param {number} index */
  async restart(index) {
    this.#workers[index] = this.#launch(index)
    await this.formed()
    await until('every node has applied the same', async () => {
      const applied = await this.applied()
      return applied.every((count) => count === applied[0]) ? true : undefined
    })
  }

  async stop() {
    await Promise.all(this.#workers.map((worker) => worker.stop()))
    await this.#options.stopOthers?.()
  }
}

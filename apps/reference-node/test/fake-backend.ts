import { Kv, type KvCommand, type KvOptions, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import type { DsysNode, GroupMembers, NodeStatus, Readiness } from '@dsys/node'
import type { CallOptions, Explanation, Raft, ReadOptions } from '@dsys/raft'
import { type Clock, silentLogger, systemClock } from '@dsys/runtime'
import { HttpEdge, type HttpEdgeOptions } from '../src/http/http-edge.ts'
import type { MembershipView } from '../src/http/membership-routes.ts'
import { PrometheusMeter } from '../src/prometheus-meter.ts'
import { fakeMembership } from './fake-membership.ts'

const absent = (): never => {
  throw new Error('not part of this fake')
}

/** A backend without a cluster: the real keyspaces over a machine that applies at once, fails or waits on demand. */
export class FakeBackend {
  readonly #state: KvState = kvMachine.initial()
  readonly kv: Kv
  readonly calls: (CallOptions | ReadOptions | undefined)[] = []
  readinessNow: Readiness = { ready: true }
  failWith: Error | undefined
  /** Runs with each call. */
  onCall: () => void = () => undefined
  /** While set, calls wait for it. */
  gate: Promise<void> | undefined

  constructor(options: KvOptions = {}) {
    const raft: Raft<KvState, KvCommand, KvResult> = {
      propose: async (command, options) => {
        await this.#called(options)
        return kvMachine.apply(this.#state, command, { index: 1, term: 1, position: 0 }).result
      },
      read: async (query, options) => {
        await this.#called(options)
        return query(this.#state)
      },
      proposeAll: absent,
      status: absent,
      transferLeadership: absent,
      bootstrap: absent,
      explain: absent,
      openClient: absent,
      reconfigure: absent,
      events: absent,
      start: absent,
      stop: absent,
      [Symbol.asyncDispose]: absent,
    }
    this.kv = new Kv({ raft }, options)
  }

  /** What the group is asked to become. */
  readonly changes: unknown[][] = []

  /** Of n1, which is asked, and n2, which is dead. */
  readonly membership: MembershipView = fakeMembership()

  readonly node = {
    groupMembers: async (options?: ReadOptions): Promise<GroupMembers> => {
      await this.#called(options)
      return { voters: ['n1'], learners: [], witnesses: [], change: undefined }
    },
    reconfigure: async (...change: Parameters<DsysNode['reconfigure']>): ReturnType<DsysNode['reconfigure']> => {
      this.changes.push(change)
      await this.#called(change[1])
      return { voters: change[0].voters, learners: change[0].learners ?? [] }
    },
    readiness: (): Readiness => this.readinessNow,
    explain: (): Explanation => ({ id: 'n1', group: 'main', findings: [], text: 'Nothing is amiss.' }),
    status: async (): Promise<NodeStatus> => ({
      id: 'n1',
      generation: 3,
      state: 'running',
      uptimeMs: 12,
      readiness: this.readinessNow,
      connection: 'connected',
      members: [{ id: 'n1', generation: 3, incarnation: 0, state: 'alive', roles: ['worker'], metadata: {} }],
      raft: {
        id: 'n1',
        group: 'main',
        role: 'leader',
        term: 4,
        leader: 'n1',
        commitIndex: 9,
        lastApplied: 9,
        lastIndex: 9,
        firstIndex: 1,
        snapshotIndex: 0,
        witnesses: [],
        voters: ['n1'],
        learners: [],
        repair: undefined,
        change: undefined,
        asleep: false,
        followers: [],
      },
      keyspaces: await this.kv.statistics(),
    }),
  }

  async #called(options: CallOptions | undefined): Promise<void> {
    this.calls.push(options)
    this.onCall()
    const error = this.failWith
    if (error !== undefined) throw error
    await this.gate
  }
}

/** A running edge on a free loopback port. */
export async function startEdge(
  backend: FakeBackend | undefined,
  { clock = systemClock, ...options }: Partial<HttpEdgeOptions> & { readonly clock?: Clock } = {},
): Promise<{ edge: HttpEdge; url: string } & AsyncDisposable> {
  const edge = new HttpEdge(
    { clock, logger: silentLogger, metrics: new PrometheusMeter() },
    { host: '127.0.0.1', port: 0, ...options },
  )
  const url = await edge.start()
  if (backend !== undefined) edge.serve(backend)
  return { edge, url, [Symbol.asyncDispose]: () => edge.drain() }
}

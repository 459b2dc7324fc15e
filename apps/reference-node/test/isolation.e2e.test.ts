import { Membership, type MembershipEvent } from '@dsys/membership'
import { delay, systemRuntime } from '@dsys/runtime'
import { NatsTransport } from '@dsys/transport-nats'
import { describe, expect, test } from 'vitest'
import { type NatsServer, natsForTests } from '../../../tooling/nats-server/index.mjs'
import { until } from './harness/until.ts'

const nats = await natsForTests()

const IDS = ['n1', 'n2', 'n3', 'n4', 'n5']
const OUTAGE_MS = 30_000
/** A broker that hangs is noticed first by the silence of all, and then by its transport. */
const STALE_WITHIN_MS = 5_000
const AGREE_WITHIN_MS = 5_000

/** One member over a real NATS server, with all that it was told. */
class Member {
  readonly transport: NatsTransport
  readonly membership: Membership
  readonly events: MembershipEvent[] = []
  #reading: Promise<void> = Promise.resolve()

  constructor(id: string, url: string) {
    const cluster = 'isolation'
    const runtime = systemRuntime()
    this.transport = new NatsTransport(runtime, { servers: url, cluster, nodeId: id, generation: 1 })
    this.membership = new Membership({ ...runtime, transport: this.transport }, { cluster })
  }

  async start(): Promise<void> {
    await this.transport.start()
    await this.membership.start()
    this.#reading = this.#read()
  }

  async #read(): Promise<void> {
    for await (const event of this.membership.events()) this.events.push(event)
  }

  async stop(): Promise<void> {
    await this.membership.stop()
    await this.#reading
    await this.transport.stop()
  }

  get isStale(): boolean {
    return this.membership.status().view.state === 'stale'
  }

  get seesAll(): boolean {
    return this.membership.alive().length === IDS.length
  }
}

interface Outage {
  readonly begin: (server: NatsServer) => void | Promise<void>
  readonly end: (server: NatsServer) => void | Promise<void>
}

async function outage({ begin, end }: Outage): Promise<void> {
  const { clock } = systemRuntime()
  await using server = await nats.start()
  const members = IDS.map((id) => new Member(id, server.url))
  try {
    await Promise.all(members.map((member) => member.start()))
    await until('all see all', () => members.every(({ seesAll }) => seesAll))

    const beganMs = clock.monotonicMs()
    await begin(server)
    await until('every view is stale', () => members.every(({ isStale }) => isStale), STALE_WITHIN_MS)
    await delay(clock, OUTAGE_MS - (clock.monotonicMs() - beganMs))
    for (const { membership, isStale, seesAll } of members) {
      expect([isStale, seesAll]).toEqual([true, true])
      const { view } = membership.status()
      if (view.state === 'stale') expect(view.forMs).toBeGreaterThan(OUTAGE_MS - STALE_WITHIN_MS)
    }
    // A change that nobody can have heard of: agreement is more than that nobody was forgotten.
    members[0]?.membership.update({ metadata: { changed: 'meanwhile' } })

    await end(server)
    const knowsChange = ({ membership }: Member): boolean =>
      membership.member('n1')?.metadata['changed'] === 'meanwhile'
    const agree = (): boolean => members.every((member) => member.seesAll && !member.isStale && knowsChange(member))
    await until('views agree and are fresh', agree, AGREE_WITHIN_MS)
    for (const { events } of members) {
      const types = events.map(({ type }) => type)
      expect(types).not.toContain('MemberDown')
      expect(types.filter((type) => type.startsWith('View'))).toEqual(['ViewStale', 'ViewFresh'])
    }
  } finally {
    await Promise.all(members.map((member) => member.stop()))
  }
}

nats.describe(describe, 'five members whose nats-server is away for 30 s', () => {
  // At the same time, each with a server of its own: they wait for the most part.
  test.concurrent('M-35: killed and started again, it costs no death, and views agree within 5 s of its return', async () => {
    await outage({ begin: (server) => server.kill(), end: (server) => server.restart() })
  })

  test.concurrent('M-36: stopped in its tracks, it costs no death, and views agree within 5 s of its return', async () => {
    await outage({ begin: (server) => server.signal('SIGSTOP'), end: (server) => server.signal('SIGCONT') })
  })
})

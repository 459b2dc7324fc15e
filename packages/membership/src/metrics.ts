import type { Counter, Gauge, Meter } from '@dsys/runtime'
import type { CountedFact } from './core/effects.ts'
import { type MemberState, STATES } from './core/record.ts'

/** The instruments of one member. */
export class MembershipMetrics {
  readonly #facts: Record<CountedFact, Counter>
  readonly #dropped: Record<'version' | 'cluster' | 'malformed', Counter>
  readonly #unsent: Counter
  readonly #broadcasts: Record<'sent' | 'delivered', Counter>
  readonly #queries: Record<'asked' | 'answered' | 'failed' | 'late', Counter>
  readonly #health: Gauge
  readonly #stale: Gauge
  readonly #members: readonly (readonly [MemberState, Gauge])[]

  constructor(meter: Meter) {
    this.#facts = {
      probe: meter.counter('dsys_membership_probes', { description: 'Probes begun.' }),
      'probe-failed': meter.counter('dsys_membership_failed_probes', { description: 'Probes that nobody answered.' }),
      refutation: meter.counter('dsys_membership_refutations', { description: 'Times this node said that it lives.' }),
      'expired-frame': meter.counter('dsys_membership_expired_frames', { description: 'Frames that were too old.' }),
      'strange-broadcast': meter.counter('dsys_membership_strange_broadcasts', {
        description: 'Broadcasts of the application that were not delivered, since their sender is no member.',
      }),
      'strange-query': meter.counter('dsys_membership_strange_queries', {
        description: 'Queries that were not answered, since their sender is no member.',
      }),
      'stale-frame': meter.counter('dsys_membership_stale_frames', { description: 'Frames from an earlier life.' }),
    }
    const dropped = (reason: string): Counter =>
      meter.counter('dsys_membership_dropped_frames', { description: 'Frames not understood.', labels: { reason } })
    this.#dropped = { version: dropped('version'), cluster: dropped('cluster'), malformed: dropped('malformed') }
    this.#unsent = meter.counter('dsys_membership_unsent_frames', {
      description: 'Frames that the transport did not take.',
    })
    const broadcasts = (what: string): Counter =>
      meter.counter('dsys_membership_broadcasts', { description: 'Broadcasts of the application.', labels: { what } })
    this.#broadcasts = { sent: broadcasts('sent'), delivered: broadcasts('delivered') }
    const queries = (what: string): Counter =>
      meter.counter('dsys_membership_queries', { description: 'Queries of the application.', labels: { what } })
    this.#queries = {
      asked: queries('asked'),
      answered: queries('answered'),
      failed: queries('failed'),
      late: queries('late'),
    }
    const health = { description: 'How many times as long as usual this node waits before it accuses others, from 1.' }
    this.#health = meter.gauge('dsys_membership_health_multiplier', health)
    this.#health.set(1)
    const stale = { description: '1 while the view is stale: this node cannot tell who is there, and accuses nobody.' }
    this.#stale = meter.gauge('dsys_membership_view_stale', stale)
    this.#stale.set(0)
    this.#members = STATES.map((state) => {
      const options = { description: 'Members by state, this node included.', labels: { state } }
      return [state, meter.gauge('dsys_membership_members', options)] as const
    })
  }

  count(fact: CountedFact): void {
    this.#facts[fact].add(1)
  }

  dropped(reason: 'version' | 'cluster' | 'malformed'): void {
    this.#dropped[reason].add(1)
  }

  broadcastSent(): void {
    this.#broadcasts.sent.add(1)
  }

  broadcastDelivered(): void {
    this.#broadcasts.delivered.add(1)
  }

  query(what: 'asked' | 'answered' | 'failed' | 'late'): void {
    this.#queries[what].add(1)
  }

  health(multiplier: number): void {
    this.#health.set(multiplier)
  }

  view(isStale: boolean): void {
    this.#stale.set(isStale ? 1 : 0)
  }

  unsent(): void {
    this.#unsent.add(1)
  }

  members(tally: Readonly<Record<MemberState, number>>): void {
    for (const [state, gauge] of this.#members) gauge.set(tally[state])
  }
}

import type { EventHub, Logger } from '@dsys/runtime'
import type { CoreEvent, RaftRole } from './core/state.ts'
import type { RaftMetrics } from './metrics.ts'
import type { Proposals } from './proposals.ts'
import type { ReadQueue } from './read-queue.ts'
import type { Reconfigurations } from './reconfigurations.ts'
import type { RaftEvent } from './status.ts'

/** The role and leader that {@link RaftEvent}s have told of last. */
export interface Announced {
  role: RaftRole
  leader: string | undefined
  term: number
}

/** Who is told what happens in a core. */
export interface GroupNewsParts {
  readonly hub: EventHub<RaftEvent>
  readonly logger: Logger
  readonly metrics: RaftMetrics
  readonly proposals: Pick<Proposals<never>, 'leaderChanged'>
  readonly reads: Pick<ReadQueue<never>, 'leaderChanged'>
  readonly changes: Reconfigurations
}

/** Tells what happens in a core to the log, the meter, those who listen to events, and the calls that wait for a leader. */
export class GroupNews {
  readonly #parts: GroupNewsParts
  readonly #announced: Announced

  constructor(parts: GroupNewsParts, { role, leader, term }: Readonly<Announced>) {
    this.#parts = parts
    this.#announced = { role, leader, term }
  }

  /** What a new stream of events begins with. */
  get announced(): Readonly<Announced> {
    return this.#announced
  }

  tell(events: readonly CoreEvent[]): void {
    const { hub, logger, metrics, proposals, reads, changes } = this.#parts
    for (const event of events) {
      if (event.type === 'configuration') continue
      if (event.type === 'repaired') {
        logger.log('info', 'what damage took of the log is here again', { index: event.index })
        hub.publish({ type: 'LogRepaired', index: event.index })
        continue
      }
      this.#announced.term = event.term
      if (event.type === 'role') {
        this.#announced.role = event.role
        metrics.roleChanged(event.role)
        logger.log('info', 'the role changed', { role: event.role, term: event.term, why: event.why })
        hub.publish({ type: 'RoleChanged', role: event.role, term: event.term, why: event.why })
        continue
      }
      this.#announced.leader = event.leader
      hub.publish({ type: 'LeaderChanged', leader: event.leader, term: event.term })
      if (event.leader === undefined) continue
      metrics.leaderKnown()
      proposals.leaderChanged()
      reads.leaderChanged()
      changes.leaderChanged()
    }
  }
}

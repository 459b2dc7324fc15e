import type { Logger } from '@dsys/runtime'
import { IdConflictError } from './errors.ts'
import type { MemberEvent } from './events.ts'
import type { MembershipMetrics } from './metrics.ts'

/** Says to the log and to the meter what whoever runs this node should know of an event. */
export function reportEvent(event: MemberEvent, logger: Logger, metrics: MembershipMetrics): void {
  switch (event.type) {
    case 'MemberConflict':
      logger.log('error', 'two processes run with one id', { error: new IdConflictError(event.conflict) })
      break
    case 'ViewStale':
      metrics.view(true)
      logger.log('warn', 'the view of the cluster is stale: nobody is declared dead', { why: event.why })
      break
    case 'ViewFresh':
      metrics.view(false)
      logger.log('info', 'the view of the cluster is fresh again', { why: event.why })
      break
    default:
      break
  }
}

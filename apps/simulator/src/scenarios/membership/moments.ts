import type { Message } from '@dsys/membership/wire'

/** The telling moments that a frame, which `self` is about to send, stands for; see MOMENT_RATES. */
export function momentsOf({ kind, rumors }: Message, self: string): string[] {
  const moments: string[] = []
  if (kind === 'hello') moments.push('joining')
  if (kind === 'sync-request' || kind === 'digest') moments.push('syncing')
  for (const { record, accusers = [] } of rumors) {
    if (record.id === self) {
      if (record.state === 'left') moments.push('leaving')
      else if (record.incarnation > 0 && kind === 'gossip') moments.push('refutation-sent')
    } else if (accusers.includes(self)) {
      if (record.state === 'suspect') moments.push('suspicion-sent')
      if (record.state === 'dead') moments.push('death-sent')
    }
  }
  return moments
}

import type { Message } from '@dsys/membership/wire'

/** The telling moments that a frame, which `self` is about to send, stands for; see MOMENTS. */
export function* momentsOf(message: Message, self: string): Generator<string> {
  if (message.kind === 'hello') yield 'joining'
  if (message.kind === 'sync-request') yield 'syncing'
  for (const { record, accuser } of message.rumors) {
    if (record.id === self) {
      if (record.state === 'left') yield 'leaving'
      else if (record.incarnation > 0 && message.kind === 'gossip') yield 'refutation-sent'
    } else if (accuser === self) {
      if (record.state === 'suspect') yield 'suspicion-sent'
      if (record.state === 'dead') yield 'death-sent'
    }
  }
}

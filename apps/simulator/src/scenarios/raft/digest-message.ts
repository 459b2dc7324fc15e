import type { Message } from '@dsys/raft/core'
import { checksumOf, mixIn } from '@dsys/simulation'

/** A checksum of everything that a message says, its entries and bytes included. Field by field, since it is made of every message. */
export function digestMessage(message: Message): number {
  const { term } = message
  switch (message.type) {
    case 'vote-request': {
      const flags = (message.preVote ? 1 : 0) + (message.transfer ? 2 : 0)
      return mixIn(mixIn(mixIn(mixIn(1, term), flags), message.lastIndex), message.lastTerm)
    }
    case 'vote-response':
      return mixIn(mixIn(2, term), (message.preVote ? 1 : 0) + (message.granted ? 2 : 0))
    case 'append-request': {
      const { prevIndex, prevTerm, commitIndex, round, entries } = message
      let sum = mixIn(mixIn(mixIn(mixIn(mixIn(3, term), prevIndex), prevTerm), commitIndex), round)
      for (const { index, term: own, kind, data } of entries) {
        sum = checksumOf(data, mixIn(mixIn(mixIn(sum, index), own), kind))
      }
      return sum
    }
    case 'append-accepted':
      return mixIn(mixIn(mixIn(4, term), message.matchIndex), message.round)
    case 'append-rejected': {
      const { rejectedIndex, hintIndex, hintTerm, round } = message
      return mixIn(mixIn(mixIn(mixIn(mixIn(5, term), rejectedIndex), hintIndex), hintTerm), round)
    }
    case 'heartbeat-request':
      return mixIn(mixIn(mixIn(6, term), message.commitIndex), message.round)
    case 'heartbeat-response':
      return mixIn(mixIn(7, term), message.round)
    case 'commit-notice':
      return mixIn(mixIn(8, term), message.commitIndex)
    case 'snapshot-chunk': {
      const { snapshotIndex, snapshotTerm, context, offset, totalBytes, data } = message
      const place = mixIn(mixIn(mixIn(mixIn(mixIn(9, term), snapshotIndex), snapshotTerm), offset), totalBytes)
      const content = checksumOf(data, checksumOf(context, place))
      const { checksums } = message
      return checksums === undefined ? content : mixIn(mixIn(content, checksums.chunk), checksums.whole)
    }
    case 'snapshot-progress': {
      const sum = mixIn(mixIn(mixIn(10, term), message.snapshotIndex), message.nextOffset)
      return message.resendFrom === undefined ? sum : mixIn(sum, message.resendFrom)
    }
    case 'timeout-now':
      return mixIn(11, term)
    case 'sleep-request':
      return mixIn(mixIn(mixIn(12, term), message.commitIndex), message.round)
    case 'sleep-response':
      return mixIn(mixIn(mixIn(13, term), message.round), message.asleep ? 1 : 0)
    case 'log-end-request':
      return mixIn(mixIn(14, term), message.ticket)
    case 'log-end-response':
      return mixIn(mixIn(mixIn(15, term), message.ticket), message.lastIndex)
  }
}

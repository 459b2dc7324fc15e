import type { ByteReader, ByteWriter } from './bytes.ts'
import type { VoteRefusal } from './core/messages.ts'

/** Why a vote is refused: numbers on the wire, never given a second meaning. */
const VOTE_REFUSAL = {
  'later-term': 1,
  'hears-leader': 2,
  'log-behind': 3,
  voted: 4,
  abstains: 5,
} as const satisfies Record<VoteRefusal['reason'], number>

/** The size of a reason on the wire, or a little more. */
export function voteRefusalBytes(why: VoteRefusal): number {
  const id = why.reason === 'voted' ? why.votedFor : why.reason === 'hears-leader' ? (why.leader ?? '') : ''
  return 17 + Buffer.byteLength(id)
}

/** 0 stands for none. */
export function encodeVoteRefusal(writer: ByteWriter, why: VoteRefusal | undefined): void {
  writer.u8(why === undefined ? 0 : VOTE_REFUSAL[why.reason])
  if (why?.reason === 'hears-leader') writer.text(why.leader ?? '')
  else if (why?.reason === 'log-behind') writer.u53(why.lastIndex).u53(why.lastTerm)
  else if (why?.reason === 'voted') writer.text(why.votedFor)
}

/** A reason that only a later version knows is none. */
export function decodeVoteRefusal(reader: ByteReader): VoteRefusal | undefined {
  switch (reader.u8()) {
    case VOTE_REFUSAL['later-term']:
      return { reason: 'later-term' }
    case VOTE_REFUSAL['hears-leader']: {
      const leader = Buffer.from(reader.bytes()).toString('utf8')
      return { reason: 'hears-leader', leader: leader === '' ? undefined : leader }
    }
    case VOTE_REFUSAL['log-behind']:
      return { reason: 'log-behind', lastIndex: reader.u53(), lastTerm: reader.u53() }
    case VOTE_REFUSAL.voted:
      return { reason: 'voted', votedFor: Buffer.from(reader.bytes()).toString('utf8') }
    case VOTE_REFUSAL.abstains:
      return { reason: 'abstains' }
    default:
      return undefined
  }
}

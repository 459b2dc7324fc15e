import type { PeerAddress } from '@dsys/transport'
import type { Evidence } from '../evidence.ts'
import type { CoreParts } from './parts.ts'
import { compareRecords, isLive, type MemberRecord, type Rumor } from './record.ts'
import type { Entry } from './view.ts'

/** Suspicions of others wait up to this much longer, so that the accuser's verdict comes first and is not said by all at once. */
const HEARSAY_PART = 0.25

/** Takes in what `from` says of other nodes. `bySync`: with all that it knows. */
export function hearRumor(parts: CoreParts, rumor: Rumor, from: PeerAddress, bySync: boolean, nowMs: number): void {
  const { view, options, random, apply, confirm } = parts
  const known = view.get(rumor.record.id)
  const cut = parts.cut()
  const record =
    bySync || cut?.doubtsDeathOf(rumor.record.id) === true ? doubted(rumor.record, known?.record) : rumor.record
  const isOver = !isLive(record.state) && rumor.ageMs >= options.rememberDeadMs
  if (known?.record.state === 'suspect' && compareRecords(record, known.record) === 0)
    confirm(known, rumor.accusers ?? [], nowMs)
  if (!view.isNews(record) || (known === undefined && isOver)) return
  if (cut?.holdsBack(record) === true) return
  const isAccusation = record.state === 'suspect' || record.state === 'dead'
  // The life that was removed has no voice: it may hear nobody, and hold all others for dead.
  if (cut !== undefined && isAccusation && isDeadLife(view.get(from.id), from) && view.live.has(record.id)) return
  // Whoever passes an accusation on has seen nothing: only those count who are named.
  const accusers = isAccusation ? (rumor.accusers ?? []) : []
  apply(record, {
    nowMs,
    evidence: hearsay(record, known?.record, from.id, accusers),
    sinceMs: isLive(record.state) ? nowMs : nowMs - rumor.ageMs,
    accusers,
    patience: 1 + random.float() * HEARSAY_PART,
  })
}

const isDeadLife = (known: Entry | undefined, { generation }: PeerAddress): boolean =>
  known?.record.state === 'dead' && known.record.generation === generation

/**
 * A full exchange may bring a death from the other side of a partition, about a member that we know to live. It counts as a
 * suspicion, which the member can refute in time; a death that is really so comes out of it as well.
 */
function doubted(record: MemberRecord, known: MemberRecord | undefined): MemberRecord {
  const knownToLive = known !== undefined && known.generation === record.generation && isLive(known.state)
  return record.state === 'dead' && knownToLive ? { ...record, state: 'suspect' } : record
}

function hearsay(
  record: MemberRecord,
  known: MemberRecord | undefined,
  from: string,
  accusers: readonly string[],
): Evidence {
  switch (record.state) {
    case 'alive':
      if (known?.generation === record.generation && known.state === 'suspect')
        return { kind: 'refuted', what: 'suspicion' }
      if (known?.generation === record.generation && known.state === 'dead') return { kind: 'refuted', what: 'death' }
      return record.id === from ? { kind: 'announced' } : { kind: 'introduced', by: from }
    case 'suspect':
      return { kind: 'accused', from, accusers }
    case 'dead':
      return { kind: 'declared-dead', from, accusers }
    case 'left':
      return { kind: 'farewell', from }
  }
}

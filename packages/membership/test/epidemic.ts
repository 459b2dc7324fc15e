import { SeededRandom } from '@dsys/runtime'
import { UserBroadcasts } from '../src/core/user-broadcasts.ts'
import type { UserNews } from '../src/core/user-news.ts'
import { View } from '../src/core/view.ts'

/** One broadcast among members that do nothing else. */
export interface Epidemic {
  readonly members: number
  readonly lossRate: number
  readonly duplicateRate?: number
  readonly seed: number
}

/** What came of it. */
export interface Spread {
  /** After so many rounds nobody was told for the first time any more. */
  readonly rounds: number
  /** How often each member was given it. */
  readonly heardBy: readonly number[]
  /** How often each member told it. */
  readonly told: readonly number[]
}

const ROUND_MS = 200
const FANOUT = 3

/** Spreads one broadcast by the gossip of `members` members with default settings, in rounds, until nobody has anything to tell. */
export function spread({ members, lossRate, duplicateRate = 0, seed }: Epidemic): Spread {
  const random = new SeededRandom(seed)
  const heardBy = Array.from({ length: members }, () => 0)
  const told = Array.from({ length: members }, () => 0)
  const view = new View(
    { id: 'observer', generation: 1 },
    members,
    () => undefined,
    () => undefined,
  )
  const ids = heardBy.map((_, i) => `n${i}`)
  const cause = { nowMs: 0, evidence: { kind: 'announced' } } as const
  for (const id of ids) view.apply({ id, generation: 1, incarnation: 0, state: 'alive', metadata: [], nonce: 1 }, cause)
  const nodes = ids.map((id, i) => {
    return new UserBroadcasts({
      self: { id, generation: 1 },
      options: { canBroadcast: false, nonce: 1 },
      view,
      courier: { retransmits: 3 * (32 - Math.clz32(members)), broadcastNews: () => undefined },
      buggify: () => false,
      emit: (effect) => {
        if (effect.type === 'user-broadcast') heardBy[i] = (heardBy[i] ?? 0) + 1
      },
    })
  })
  nodes[0]?.publish('t', new Uint8Array(10), 30_000, 0)
  let rounds = 0
  for (let round = 1; nodes.some(({ hasNews }) => hasNews); round++) {
    const before = heardBy.reduce((sum, count) => sum + count)
    const inbox: [UserBroadcasts, UserNews[]][] = []
    for (const [i, node] of nodes.entries()) {
      for (const peer of peersOf(i, members, random)) {
        if (!node.hasNews) break
        const items = node.take(8_192, round * ROUND_MS)
        told[i] = (told[i] ?? 0) + items.length
        if (random.float() < lossRate) continue
        for (let copies = random.float() < duplicateRate ? 2 : 1; copies > 0; copies--)
          inbox.push([nodes[peer] as UserBroadcasts, items])
      }
    }
    for (const [node, items] of inbox) node.hear(items, round * ROUND_MS)
    if (heardBy.reduce((sum, count) => sum + count) > before) rounds = round
  }
  return { rounds, heardBy, told }
}

function peersOf(self: number, members: number, random: SeededRandom): Set<number> {
  const peers = new Set<number>()
  while (peers.size < Math.min(FANOUT, members - 1)) {
    const peer = random.integer(0, members)
    if (peer !== self) peers.add(peer)
  }
  return peers
}

import { SeededRandom } from '@dsys/runtime'
import { type Operation, pick } from '@dsys/simulation'
import { describedBy } from './described-by.ts'
import type { MemberCluster } from './member-cluster.ts'
import type { MemberLife } from './member-life.ts'
import type { Stranger } from './stranger.ts'

/** What operations work on. */
export interface OperationParts {
  readonly cluster: MemberCluster
  readonly ids: readonly string[]
  readonly stranger: Stranger | undefined
  readonly count: (what: string) => void
}

const LARGE = 900
const TOO_LARGE = 1_200

/** Carries out one operation of a plan, and counts what became of it: `operation.leave`, `refused.leave`. */
export function operate(operation: Operation, parts: OperationParts): void {
  const name = String(operation['name'])
  parts.count(`${carryOut(name, operation, parts) ? 'operation' : 'refused'}.${name}`)
}

/** False where it makes no sense at the moment. */
function carryOut(name: string, operation: Operation, parts: OperationParts): boolean {
  const { cluster, ids, stranger } = parts
  const seed = Number(operation['seed'])
  const id = ids[Number(operation['node']) % ids.length] ?? ''
  const member = cluster.current(id)
  if (name === 'join') {
    if (cluster.wanted.has(id) || cluster.machine(id).running) return false
    cluster.join(id)
    return true
  }
  if (name === 'garbage') {
    stranger?.bother(id, seed)
    return stranger !== undefined
  }
  if (member === undefined) return false
  if (name === 'metadata') {
    member.life.process.input(() => updateMetadata(cluster, id, seed, parts))
    return true
  }
  if (!member.running) return false
  if (name === 'broadcast' || name === 'query') {
    member.life.process.input(() => talk(member, name, seed, parts))
    return true
  }
  if (name === 'watch') {
    member.life.process.input(() => member.watch())
    return true
  }
  // A seed stays, so that whoever comes finds somebody.
  if (cluster.isSeed(id)) return false
  cluster.wanted.delete(id)
  member.life.process.input(() => member.leave())
  return true
}

/** Chance may have it that too many are under way, or that a later life has just taken over. */
function talk(member: MemberLife, name: 'broadcast' | 'query', seed: number, { count }: OperationParts): void {
  try {
    if (name === 'broadcast') member.talk.broadcast(seed)
    else member.talk.query(seed)
  } catch (error) {
    count(`refused.${(error as Error).name}`)
  }
}

function updateMetadata(cluster: MemberCluster, id: string, seed: number, { count }: OperationParts): void {
  const member = cluster.current(id)
  if (member === undefined) return
  const random = new SeededRandom(seed)
  const size = pick(random, [0, 10, LARGE, TOO_LARGE])
  const facts = { ...cluster.facts(id), version: String(random.integer(0, 1_000_000)), text: 'x'.repeat(size) }
  try {
    member.membership.update(describedBy(facts))
  } catch (error) {
    count(`refused.${(error as Error).name}`)
    return
  }
  member.metadata = facts
  cluster.setFacts(id, facts)
}

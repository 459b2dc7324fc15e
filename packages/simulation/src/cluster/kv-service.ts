import { Kv, type KvCommand, type KvOptions, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import { RaftNode, type RaftOptions, type RaftStatus } from '@dsys/raft'
import { checksumOf, hashText, mixIn } from '../checksum.ts'
import type { TestNode, TestService } from './test-node.ts'

/** Options of {@link startKv}. */
export interface KvServiceOptions {
  readonly raft?: Partial<Omit<RaftOptions, 'id' | 'voters'>>
  readonly kv?: KvOptions
}

/** A member of a Raft group with its keyspaces: what a `testCluster` runs unless it is given a service. */
export class KvService implements TestService {
  readonly raft: RaftNode<KvState, KvCommand, KvResult>
  readonly kv: Kv
  /** What the state was like after the entry at `index`; made when it is asked for, since it looks at all of it. */
  #content: { readonly index: number; readonly checksum: number } | undefined

  /** Use {@link startKv}. */
  constructor(node: TestNode, options: KvServiceOptions) {
    const { id } = node
    // On a new disk it waits until the group takes it back.
    const voters = node.diskLost ? [] : node.ids
    this.raft = new RaftNode(
      { ...node, machine: kvMachine },
      { group: 'main', electionTimeoutMs: 500, heartbeatIntervalMs: 100, ...options.raft, id, voters },
    )
    this.kv = new Kv({ raft: this.raft, meter: node.meter }, options.kv)
  }

  leader(): string | undefined {
    return this.status().leader
  }

  /** Every entry of the log is applied, and this node knows a leader; with a checksum of all that the keyspaces hold. */
  converged(): string | undefined {
    const { leader, term, lastApplied, lastIndex } = this.status()
    if (leader === undefined || lastApplied < lastIndex) return undefined
    if (this.#content?.index !== lastApplied) this.#look(lastApplied)
    const { checksum } = this.#content ?? {}
    return checksum === undefined ? undefined : `${leader}, term ${term}, index ${lastApplied}, content ${checksum}`
  }

  #look(index: number): void {
    // A stale read is answered at once, from what this node has.
    const look = (state: KvState): void => {
      this.#content = { index, checksum: contentOf(state) }
    }
    this.raft.read(look, { consistency: 'stale' }).catch(() => {
      this.#content = undefined
    })
  }

  status(): RaftStatus {
    return this.raft.status()
  }

  stop(): Promise<void> {
    return this.raft.stop()
  }
}

/**
 * Starts a {@link KvService}. When the Raft node stops itself, because its disk fails for instance, the process ends: so it does on an empty
 * disk, as long as the group knows the node by the one that is lost.
 */
export async function startKv(node: TestNode, options: KvServiceOptions = {}): Promise<KvService> {
  const service = new KvService(node, options)
  await service.raft.start()
  void exitOnFailure(node, service)
  return service
}

async function exitOnFailure(node: TestNode, { raft }: KvService): Promise<void> {
  for await (const event of raft.events()) if (event.type === 'Failed') node.exit(event.error.message)
}

/** A checksum of all entries, whatever their order. */
export function contentOf(state: KvState): number {
  let sum = 0
  for (const [name, { revision, entries }] of state.keyspaces) {
    const keyspace = mixIn(hashText(name), revision)
    sum = (sum + keyspace) >>> 0
    for (const [key, entry] of entries) {
      const place = mixIn(mixIn(mixIn(keyspace, hashText(key)), entry.revision), entry.createRevision)
      sum = (sum + checksumOf(entry.value, place)) >>> 0
    }
  }
  return sum
}

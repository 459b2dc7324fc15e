import { Kv, type KvCommand, type KvOptions, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import { RaftNode, type RaftOptions, type RaftStatus } from '@dsys/raft'
import { DiskLostError } from './errors.ts'
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

  /** Use {@link startKv}. */
  constructor(node: TestNode, options: KvServiceOptions) {
    const { id, ids } = node
    this.raft = new RaftNode(
      { ...node, machine: kvMachine },
      { group: 'main', electionTimeoutMs: 500, heartbeatIntervalMs: 100, ...options.raft, id, voters: ids },
    )
    this.kv = new Kv({ raft: this.raft, meter: node.meter }, options.kv)
  }

  leader(): string | undefined {
    return this.status().leader
  }

  /** Every entry of the log is applied, and this node knows a leader. */
  converged(): string | undefined {
    const { leader, term, lastApplied, lastIndex } = this.status()
    return leader === undefined || lastApplied < lastIndex ? undefined : `${leader}, term ${term}, index ${lastApplied}`
  }

  status(): RaftStatus {
    return this.raft.status()
  }

  stop(): Promise<void> {
    return this.raft.stop()
  }
}

/**
 * Starts a {@link KvService}. When the Raft node stops itself, because its disk fails for instance, the process ends.
 *
 * Throws DiskLostError (`DSYS_SIMULATION_DISK_LOST`) on a node whose earlier disk is lost: an id of a Raft group is never used again
 * with an empty disk.
 */
export async function startKv(node: TestNode, options: KvServiceOptions = {}): Promise<KvService> {
  if (node.diskLost) throw new DiskLostError(node.id)
  const service = new KvService(node, options)
  await service.raft.start()
  void exitOnFailure(node, service)
  return service
}

async function exitOnFailure(node: TestNode, { raft }: KvService): Promise<void> {
  for await (const event of raft.events()) if (event.type === 'Failed') node.exit(event.error.message)
}

import type { KeyspaceStatistics, KvCommand, KvResult, KvState } from '@dsys/kv'
import type { Raft } from '@dsys/raft'
import type { Clock, Logger, Service } from '@dsys/runtime'
import type { LogStorage } from '@dsys/storage'
import type { Transport } from '@dsys/transport'

/** One member of the cluster, as the membership protocol of this node sees it. */
export interface NodeMember {
  readonly id: string
  /** Which life of the node this is: it grows with each start. */
  readonly generation: number
  readonly incarnation: number
  /** What the membership protocol makes of it, for instance `alive` or `suspect`. */
  readonly state: string
  /** What it does in the cluster, what its software can do, and labels with values, where the membership knows of these. */
  readonly roles?: readonly string[]
  readonly capabilities?: readonly string[]
  readonly tags?: Readonly<Record<string, string>>
  readonly metadata: unknown
}

/** What a node needs of its membership. `Membership` of `@dsys/membership` fits as it is. */
export interface MembershipPart extends Service {
  members(): readonly NodeMember[]
}

/** What a node needs of its keyspaces. `Kv` of `@dsys/kv` fits as it is. */
export interface KvPart {
  statistics(): Promise<readonly KeyspaceStatistics[]>
}

/** The parts of a node, made already and not yet started. */
export interface NodeParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly transport: Transport
  readonly log: LogStorage
  readonly membership: MembershipPart
  readonly raft: Raft<KvState, KvCommand, KvResult>
  readonly kv: KvPart
}

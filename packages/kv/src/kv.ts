import type { Raft } from '@dsys/raft'
import { type Codec, type Meter, rawBytes, silentMeter } from '@dsys/runtime'
import type { KvCommand, KvResult } from './core/command.ts'
import type { KvState } from './core/state.ts'
import { KeyspaceUnknownError } from './errors.ts'
import type { LinearizableKeyspace } from './keyspace.ts'
import { RaftKeyspace } from './linearizable.ts'
import { checkOptions, type KvOptions } from './options.ts'

/** What a {@link Kv} may use. */
export interface KvPorts {
  /** A member of the Raft group that runs {@link kvMachine}. Whoever made it starts and stops it. */
  readonly raft: Raft<KvState, KvCommand, KvResult>
  /** Default: none. */
  readonly meter?: Meter
}

/** How much a keyspace holds on this node. */
export interface KeyspaceStatistics {
  readonly name: string
  readonly consistency: 'linearizable'
  readonly entries: number
  /** Bytes of all keys and values. */
  readonly sizeBytes: number
  /** The revision of the last change that this node has applied; 0 before the first. */
  readonly revision: number
}

/**
 * The keyspaces of a node. Every node of the group makes one with the same declarations, and any of them serves any
 * operation.
 */
export class Kv {
  readonly #ports: KvPorts
  readonly #options: Required<KvOptions>
  readonly #meter: Meter

  /** @throws RangeError when an option is out of its range. */
  constructor(ports: KvPorts, options: KvOptions = {}) {
    this.#ports = ports
    this.#options = checkOptions(options)
    this.#meter = ports.meter ?? silentMeter
  }

  /** The largest encoded value, in bytes. */
  get maxValueBytes(): number {
    return this.#options.maxValueBytes
  }

  /** The names of the declared keyspaces. */
  get keyspaces(): readonly string[] {
    return Object.keys(this.#options.keyspaces)
  }

  /**
   * The keyspace `name`, of bytes or of what `codec` makes of them. Ask once and keep it.
   *
   * @throws KeyspaceUnknownError (`DSYS_KV_KEYSPACE_UNKNOWN`) when it is not declared.
   */
  linearizable(name: string): LinearizableKeyspace<Uint8Array>
  linearizable<V>(name: string, options: { readonly codec: Codec<V> }): LinearizableKeyspace<V>
  linearizable(name: string, options?: { readonly codec: Codec<Uint8Array> }): LinearizableKeyspace<Uint8Array> {
    if (!Object.hasOwn(this.#options.keyspaces, name)) throw new KeyspaceUnknownError(name, this.keyspaces)
    return new RaftKeyspace({
      name,
      raft: this.#ports.raft,
      codec: options?.codec ?? rawBytes,
      maxValueBytes: this.#options.maxValueBytes,
      reads: this.#meter.counter('dsys_kv_reads_total', { description: 'Reads asked for', labels: { keyspace: name } }),
      writes: this.#meter.counter('dsys_kv_writes_total', {
        description: 'Changes asked for',
        labels: { keyspace: name },
      }),
    })
  }

  /**
   * How much each declared keyspace holds on this node right now, which may lag behind the leader.
   *
   * @throws NotRunningError (`DSYS_NOT_RUNNING`) and RaftFailedError (`DSYS_RAFT_FAILED`).
   */
  statistics(): Promise<readonly KeyspaceStatistics[]> {
    return this.#ports.raft.read(
      (state) =>
        this.keyspaces.map((name): KeyspaceStatistics => {
          const keyspace = state.keyspaces.get(name)
          return {
            name,
            consistency: 'linearizable',
            entries: keyspace?.entries.size ?? 0,
            sizeBytes: keyspace?.sizeBytes ?? 0,
            revision: keyspace?.revision ?? 0,
          }
        }),
      { consistency: 'stale' },
    )
  }
}

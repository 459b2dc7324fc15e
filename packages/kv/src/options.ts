/** How a keyspace keeps its promises. */
export interface KeyspaceDeclaration {
  /** Every operation takes effect at one instant between its call and its return, in one order for all. */
  readonly consistency: 'linearizable'
}

/** Options of a {@link Kv}. */
export interface KvOptions {
  /**
   * The keyspaces by name, the same on every node. A name is 1 to 64 characters of `a-z 0-9 - _`. Default: one linearizable
   * keyspace with the name `default`.
   */
  readonly keyspaces?: Readonly<Record<string, KeyspaceDeclaration>>
  /**
   * The largest encoded value, in bytes, 0 to 1 GiB. Default 262,144 (256 KiB): an operation with such a value, its key and
   * its envelope fits into one Raft command (512 KiB by default) and one transport frame (1 MiB by default). Raise
   * `maxCommandBytes` of Raft and the frame limit of the transport with it.
   */
  readonly maxValueBytes?: number
}

export const DEFAULT_KV_OPTIONS: Required<KvOptions> = Object.freeze({
  keyspaces: Object.freeze({ default: Object.freeze({ consistency: 'linearizable' as const }) }),
  maxValueBytes: 256 * 1_024,
})

const KEYSPACE_NAME = /^[a-z0-9_-]{1,64}$/
const MAX_VALUE_BYTES = 2 ** 30

/** Fills in the defaults. Throws RangeError when an option is out of its range. */
export function checkOptions(options: KvOptions): Required<KvOptions> {
  const keyspaces = options.keyspaces ?? DEFAULT_KV_OPTIONS.keyspaces
  const maxValueBytes = options.maxValueBytes ?? DEFAULT_KV_OPTIONS.maxValueBytes
  for (const [name, declaration] of Object.entries(keyspaces)) {
    if (!KEYSPACE_NAME.test(name)) {
      throw new RangeError(`a keyspace name is 1 to 64 characters of a-z 0-9 - _, got ${JSON.stringify(name)}`)
    }
    if (declaration.consistency !== 'linearizable') {
      throw new RangeError(
        `keyspace ${name}: consistency must be "linearizable", got ${String(declaration.consistency)}`,
      )
    }
  }
  if (!Number.isInteger(maxValueBytes) || maxValueBytes < 0 || maxValueBytes > MAX_VALUE_BYTES) {
    throw new RangeError(`maxValueBytes must be a whole number from 0 to ${MAX_VALUE_BYTES}, got ${maxValueBytes}`)
  }
  return { keyspaces, maxValueBytes }
}

import type { PeerAddress } from '@dsys/transport'
import type { Effect } from './effects.ts'
import type { FrameHeader } from './message.ts'
import { commonVersion, describeVersions, type VersionRange } from './versions.ts'

/** So many nodes of other versions are remembered; the one that was met first gives way. */
const MAX_REMEMBERED = 256

/** Meets nodes whose frames this one cannot read: each life of such a node is reported and answered once. */
export class OtherVersions {
  readonly #versions: VersionRange
  readonly #emit: (effect: Effect) => void
  readonly #met = new Map<string, number>()

  constructor(versions: VersionRange, emit: (effect: Effect) => void) {
    this.#versions = versions
    this.#emit = emit
  }

  /**
   * The version in which to tell the sender what this node speaks; `undefined` when it was told before. Where there is no version in
   * common, the sender still reads the header of the answer.
   */
  meet(header: FrameHeader | undefined, { id, generation }: PeerAddress): number | undefined {
    if (this.#met.get(id) === generation) return undefined
    this.#met.delete(id)
    this.#met.set(id, generation)
    if (this.#met.size > MAX_REMEMBERED) {
      for (const first of this.#met.keys()) {
        this.#met.delete(first)
        break
      }
    }
    const theirs = header?.versions
    const common = theirs === undefined ? undefined : commonVersion(theirs, this.#versions)
    const message =
      common === undefined
        ? 'a node speaks no version of the protocol that this one does'
        : 'a node speaks in a version of the protocol that this one does not; it is told of one that both speak'
    const fields = {
      peer: id,
      generation,
      theirs: theirs === undefined ? '1' : describeVersions(theirs),
      ours: describeVersions(this.#versions),
    }
    this.#emit({ type: 'warning', message, fields })
    return common ?? this.#versions.min
  }
}

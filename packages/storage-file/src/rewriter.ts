import { DsysError, type Logger } from '@dsys/runtime'
import type { Disk, LogEntry, StorageFailedError } from '@dsys/storage'
import { putWrite, writeBytes } from './format/records.ts'
import type { GroupIndex } from './group-index.ts'
import { liveEntriesOf, type Mover, moversOf } from './rewriting.ts'
import type { LogRequest } from './write-ahead-log.ts'

/** The log is not made shorter than so many segments by writing entries anew. */
const MIN_LONG = 4

/** What a {@link Rewriter} needs of its log. */
export interface RewriterParts {
  readonly disk: Disk
  readonly logger: Logger
  readonly directory: string
  readonly segmentBytes: number
  readonly maxBatchBytes: number
  readonly rewriteAfterBytes: number
  /** The log as it is now; `throughBatch` is the newest batch that the groups know of, durable or on its way. */
  readonly log: () => {
    readonly groups: Iterable<GroupIndex>
    readonly segments: readonly number[]
    readonly throughBatch: number
  }
  /** While `work` goes on, no segment goes away. */
  readonly keepSegments: (work: () => Promise<void>) => Promise<void>
  readonly append: (request: LogRequest) => Promise<void>
  readonly fail: (what: string, cause: unknown) => StorageFailedError
}

/**
 * Lets old segments go that nobody would ever let go: a group that is seldom written, and so never compacted, keeps the segment of its oldest entry and all
 * behind it. When the log has become long, what such groups have is written anew at its end.
 */
export class Rewriter {
  readonly #parts: RewriterParts
  #running: Promise<void> | undefined
  #stopped = false

  constructor(parts: RewriterParts) {
    this.#parts = parts
  }

  /** Resolves when nothing is being written anew; `undefined` when nothing is. Whoever opens a group holds it, and waits for this. */
  get running(): Promise<void> | undefined {
    return this.#running
  }

  /** The log has grown by a segment. */
  grown(): void {
    if (this.#running !== undefined || this.#stopped) return
    this.#running = this.#parts
      .keepSegments(() => this.#rewrite())
      .then(
        () => {
          this.#running = undefined
        },
        (error: unknown) => {
          this.#running = undefined
          // Nothing was changed. What cannot be read will be found by whoever needs it; until then its segments stay.
          if (error instanceof DsysError) this.#parts.logger.log('warn', 'old entries stay where they are', { error })
          else this.#parts.fail('writing old entries anew', error)
        },
      )
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #rewrite(): Promise<void> {
    const { disk, directory, segmentBytes, maxBatchBytes, rewriteAfterBytes } = this.#parts
    const { groups, throughBatch, ...log } = this.#parts.log()
    const segments = [...log.segments]
    if (segments.length <= Math.max(MIN_LONG, Math.ceil(rewriteAfterBytes / segmentBytes))) return
    const maxGroupBytes = Math.max(maxBatchBytes, segmentBytes / 4)
    const movers = moversOf(groups, segments, { segmentBytes, maxGroupBytes })
    if (movers.length === 0) return
    const live = await liveEntriesOf(disk, directory, movers, { segments, throughBatch })
    await Promise.all([...live].map(([mover, entries]) => this.#writeAnew(mover, entries)))
  }

  /** @param entries all that the log held of the group when it had `number` records. */
  #writeAnew({ group, number }: Mover, entries: readonly LogEntry[]): Promise<void> {
    if (this.#stopped || group.number !== number) return Promise.resolve()
    if (group.rewrite !== undefined) return group.rewrite(entries)
    if (group.held) return Promise.resolve()
    // Nobody has it open, so nothing of it is on its way.
    const { hardState, end, base } = group
    const bytes = writeBytes(hardState, entries)
    return this.#parts.append({
      group,
      bytes,
      frees: true,
      put: (out) => putWrite(out, { group: group.id, number: number + 1, hardState }, entries, end),
      note: (segment) => {
        group.append(segment, base + 1, end.last, bytes)
        group.number = number + 1
      },
    })
  }
}

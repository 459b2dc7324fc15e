import type { KvCommand, KvResult } from '@dsys/kv'
import { DsysError } from '@dsys/runtime'
import type { Scheduler } from '@dsys/simulation'
import type { KvService } from './kv-program.ts'

/** What a {@link PersistentClient} works with. */
export interface PersistentClientParts {
  readonly scheduler: Scheduler
  /** The node that is asked for by its number, or the next one that runs. */
  readonly service: (node: number) => KvService | undefined
  readonly timeoutMs: number
  readonly count: (what: string) => void
}

/** How a command ended, after all attempts. */
export type PersistentOutcome = (how: 'ok' | 'fail' | 'unknown', result?: KvResult) => void

interface Command {
  readonly command: KvCommand
  readonly sequence: number
  readonly node: number
  readonly done: PersistentOutcome
  /** An attempt may have handed it over, so it may be applied. */
  handed: boolean
}

const MAX_ATTEMPTS = 8
const PAUSE_MS = 40

/**
 * A client with an id of the group, which proposes the same command again, at one node after the other and through their crashes, until it knows
 * what came of it: it is applied once, however often that was (dissertation §6.3).
 */
export class PersistentClient {
  readonly #parts: PersistentClientParts
  #id: string | undefined
  #sequence = 0
  #stopped = false

  constructor(parts: PersistentClientParts) {
    this.#parts = parts
  }

  /** Has `command` applied, beginning at the node number `node`. One at a time. */
  propose(command: KvCommand, node: number, done: PersistentOutcome): void {
    this.#attempt({ command, sequence: ++this.#sequence, node, done, handed: false }, 0)
  }

  /** Makes no more attempts. */
  stop(): void {
    this.#stopped = true
  }

  #attempt(call: Command, attempt: number): void {
    const { scheduler, service, count } = this.#parts
    if (attempt >= MAX_ATTEMPTS || this.#stopped) {
      call.done(call.handed ? 'unknown' : 'fail')
      return
    }
    let ended = false
    const end = (then: () => void): void => {
      if (ended) return
      ended = true
      // Not at once: whoever crashes a node must not find a client that goes on inside of that.
      scheduler.after(0, then)
    }
    const again = (): void => void scheduler.after(PAUSE_MS, () => this.#attempt(call, attempt + 1))
    const found = service(call.node + attempt)
    if (found === undefined) {
      again()
      return
    }
    const { life, raft } = found
    life.onEnd(() => end(again))
    life.process.input(() => {
      this.#ask(raft, call).then(
        (result) => {
          if (!life.alive) return
          if (attempt > 0) count('once.again')
          end(() => call.done('ok', result))
        },
        (error: unknown) => {
          if (!life.alive) return
          if (!(error instanceof DsysError)) throw error
          count(`once.${error.code}`)
          if (error.retryable) end(again)
          else end(() => call.done('unknown'))
        },
      )
    })
  }

  async #ask(raft: KvService['raft'], call: Command): Promise<KvResult> {
    const { timeoutMs } = this.#parts
    this.#id ??= await raft.openClient({ timeoutMs })
    const { command, sequence, handed } = call
    call.handed = true
    try {
      // What came before is settled: whatever is under way of it is applied no more.
      return await raft.propose(command, {
        client: { id: this.#id, sequence, seenThrough: sequence - 1 },
        timeoutMs,
      })
    } catch (error) {
      if (error instanceof DsysError && error.outcome === 'not-applied') call.handed = handed
      throw error
    }
  }
}

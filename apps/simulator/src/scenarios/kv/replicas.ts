import { type KvCommand, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import type { SnapshotInParts, StateMachine } from '@dsys/raft'
import type { Trace } from '@dsys/simulation'
import type { Verdict } from './verdict.ts'

/** A command as the first node applied it. All others must apply the same one there, with the same result. */
interface AppliedCommand {
  readonly index: number
  readonly term: number
  readonly command: string
  readonly result: string
}

type KvStateMachine = StateMachine<KvState, KvCommand, KvResult>

/** What replicas report to. */
export interface ReplicasParts {
  readonly verdict: Verdict
  readonly trace: Trace
  readonly nowMs: () => number
  /** The life `life` has applied a command. */
  readonly onApplied: (life: string) => void
}

/**
 * Watches every state machine of every life: all apply the same commands in the same order with the same results, none twice, and
 * what a node restores is a state that the group has had.
 */
export class Replicas {
  readonly #parts: ReplicasParts
  readonly #commands: AppliedCommand[] = []
  readonly #positionOf = new Map<number, number>()
  /** The value of a change is of no other change: where it was applied. */
  readonly #indexOfValue = new Map<string, number>()
  /** The change that made each revision. */
  readonly #changes = new Map<number, string>()
  readonly #revisionOf = new Map<string, number>()
  /** How many commands had been applied when a state had these bytes. */
  readonly #snapshots = new Map<string, Set<number>>()

  constructor(parts: ReplicasParts) {
    this.#parts = parts
  }

  /** Commands that were applied, by whomever. */
  get applied(): number {
    return this.#commands.length
  }

  /** The revision that the change to this value made, which no other command has; undefined when it changed nothing anywhere. */
  revisionOf(key: string, value: string): number | undefined {
    return this.#revisionOf.get(`${key}=${value}`)
  }

  /** The change that made `revision`, in the form of {@link describeChange}. */
  changeOf(revision: number): string | undefined {
    return this.#changes.get(revision)
  }

  /** The machine of one life of the node `node`. */
  machine(node: string, life: string): KvStateMachine {
    const snapshot = kvMachine.snapshot as SnapshotInParts<KvState>
    /** How many commands each state has seen; of one that was restored any number at which the group had the same. */
    const seen = new WeakMap<KvState, ReadonlySet<number>>()
    const positionsOf = (state: KvState): ReadonlySet<number> => seen.get(state) ?? new Set()
    return {
      ...kvMachine,
      initial: () => {
        const state = kvMachine.initial()
        seen.set(state, new Set([0]))
        return state
      },
      apply: (state, command, context) => {
        const expected = positionsOf(state)
        const applied = kvMachine.apply(state, command, context)
        const position = this.#check(life, expected, {
          index: context.index,
          term: context.term,
          command: describeCommand(command),
          result: describeResult(applied.result),
        })
        this.#parts.trace.add(this.#parts.nowMs(), node, 'apply', '', context.index, position)
        seen.set(applied.state, new Set([position + 1]))
        if (applied.result.changed) {
          this.#changes.set(applied.result.revision, describeChange(command))
          this.#revisionOf.set(describeChange(command), applied.result.revision)
        }
        this.#parts.onApplied(life)
        return applied
      },
      snapshot: {
        freeze: (state) => {
          // What is encoded later must be what was there now.
          this.#remember([...snapshot.freeze(state)], positionsOf(state))
          return snapshot.freeze(state)
        },
        decoder: () => {
          const inner = snapshot.decoder()
          const parts: Uint8Array[] = []
          return {
            add: (part) => {
              parts.push(part)
              inner.add(part)
            },
            finish: () => {
              const known = this.#snapshots.get(textOf(Buffer.concat(parts)))
              const { verdict } = this.#parts
              verdict.keep(known !== undefined, 'snapshot', () => `${life} restores a state that no node has had`)
              const state = inner.finish()
              seen.set(state, known ?? new Set())
              return state
            },
          }
        },
      },
    }
  }

  /** Where the command stands in the order of all. */
  #check(life: string, expected: ReadonlySet<number>, command: AppliedCommand): number {
    const { verdict } = this.#parts
    const { index } = command
    const known = this.#positionOf.get(index)
    const position = known ?? this.#commands.length
    verdict.keep(expected.has(position), 'state machine safety', () => {
      const others = [...expected].map((at) => this.#commands[at]?.index ?? 'a new one').join(' or ')
      return `${life} applies the command at ${index} next, where others applied that at ${others}`
    })
    const first = known === undefined ? undefined : this.#commands[known]
    if (first === undefined) {
      this.#add(command)
      return position
    }
    const same = first.term === command.term && first.command === command.command
    verdict.keep(same, 'state machine safety', () => {
      return `at ${index} ${life} applies ${command.command} (term ${command.term}), others ${first.command} (term ${first.term})`
    })
    verdict.keep(first.result === command.result, 'state machine safety', () => {
      return `at ${index} ${life} gets ${command.result} of ${command.command}, others got ${first.result}`
    })
    return position
  }

  #add(command: AppliedCommand): void {
    const { verdict } = this.#parts
    const before = this.#commands.at(-1)
    verdict.keep(before === undefined || before.index < command.index, 'state machine safety', () => {
      return `${command.command} is applied at ${command.index} after ${before?.command} at ${before?.index}`
    })
    this.#positionOf.set(command.index, this.#commands.length)
    this.#commands.push(command)
    const [, value] = command.command.split('=')
    if (value === undefined) return
    const earlier = this.#indexOfValue.get(command.command)
    verdict.keep(earlier === undefined, 'at most once', () => {
      return `${command.command} is applied at ${earlier} and again at ${command.index}`
    })
    this.#indexOfValue.set(command.command, command.index)
  }

  #remember(parts: readonly Uint8Array[], positions: ReadonlySet<number>): void {
    const text = textOf(Buffer.concat(parts))
    const known = this.#snapshots.get(text) ?? new Set()
    this.#snapshots.set(text, known)
    for (const position of positions) known.add(position)
  }
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** The value of a change without what fills it up. */
const trimmedText = (value: Uint8Array): string => textOf(value).trim()

function describeCommand(command: KvCommand): string {
  const condition = 'revision' in command && command.revision !== undefined ? ` at ${command.revision}` : ''
  return `${command.op} ${command.key}${condition}${command.op === 'delete' ? '' : `=${trimmedText(command.value)}`}`
}

/** What a command does when it changes something. */
export function describeChange(command: KvCommand): string {
  return command.op === 'delete' ? `${command.key} is gone` : `${command.key}=${trimmedText(command.value)}`
}

function describeResult(result: KvResult): string {
  if (result.changed) return `revision ${result.revision}`
  return result.actual === undefined
    ? 'nothing there'
    : `${trimmedText(result.actual.value)} at ${result.actual.revision}`
}

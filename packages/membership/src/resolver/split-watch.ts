import { compareText } from '../core/record.ts'
import type { Member } from '../events.ts'
import type { Split } from './strategy.ts'

/** What a node sees at one time. */
export interface Sight {
  readonly self: string
  /** Everybody it knows, itself included. */
  readonly members: readonly Member[]
  /** Why it cannot see anybody now, as far as it knows: then only itself is here. */
  readonly isolated: string | undefined
  /** It was cut off and catches up: what it sees will change. */
  readonly catchesUp: boolean
  /** Since when others hold it for dead although it says that it lives. */
  readonly removedSinceMs: number | undefined
  /** The number of the decision that the lease says stands, where it has said so. */
  readonly decision: number | undefined
}

/** What the watch found. */
export type Finding =
  /** Something changed within the time for which nothing may change, or is about to. */
  | { readonly kind: 'changing'; readonly stableInMs: number }
  /** Nobody is lost. */
  | { readonly kind: 'whole'; readonly split: Split }
  /** The others went on without this node. */
  | { readonly kind: 'removed'; readonly split: Split }
  | { readonly kind: 'split'; readonly split: Split; readonly isolated: string | undefined }

/**
 * Finds out whether the cluster is split, and only once that does not change any more. It remembers who counts: those who were here when nothing had changed for
 * long enough and nobody was lost, or when this side decided to go on.
 */
export class SplitWatch {
  readonly #stableAfterMs: number
  readonly #role: string | undefined
  #counted: ReadonlySet<string> = new Set()
  /** `sinceMs` without the time that this process was blocked. */
  #seen: { readonly key: string; readonly changedMs: number; readonly sinceMs: number } | undefined

  /** @param role only members with it count; all where it is `undefined`. */
  constructor(stableAfterMs: number, role: string | undefined) {
    this.#stableAfterMs = stableAfterMs
    this.#role = role
  }

  /** Those who count, in the order of ids. */
  get counted(): string[] {
    return [...this.#counted].sort(compareText)
  }

  /** When something was last seen to change; `undefined` before the first look. */
  get changedMs(): number | undefined {
    return this.#seen?.changedMs
  }

  /** Nobody looked for `lostMs`, as the process was blocked: nothing is known to have stayed as it was meanwhile. */
  excuse(lostMs: number): void {
    if (this.#seen !== undefined) this.#seen = { ...this.#seen, sinceMs: this.#seen.sinceMs + lostMs }
  }

  /** What was seen so far proves nothing. */
  restart(): void {
    this.#seen = undefined
  }

  look(sight: Sight, nowMs: number): Finding {
    const key = keyOf(sight)
    if (this.#seen?.key !== key) this.#seen = { key, changedMs: nowMs, sinceMs: nowMs }
    const stableInMs = this.#seen.sinceMs + this.#stableAfterMs - nowMs
    const isUnsettled = sight.catchesUp || sight.members.some(({ state }) => state === 'suspect')
    if (stableInMs > 0 || isUnsettled) return { kind: 'changing', stableInMs: Math.max(0, stableInMs) }
    const split = this.#split(sight)
    if (sight.removedSinceMs !== undefined) return { kind: 'removed', split }
    if (split.unreachable.length > 0) return { kind: 'split', split, isolated: sight.isolated }
    // Who sees nobody does not know who is there.
    if (sight.isolated === undefined) this.survive(split)
    return { kind: 'whole', split }
  }

  /** This side goes on: from now on those count who are here. */
  survive({ present }: Split): void {
    this.#counted = new Set(present)
  }

  #split({ members, self, isolated }: Sight): Split {
    const counts = (member: Member): boolean => this.#role === undefined || member.roles.includes(this.#role)
    const isHere = ({ id, state }: Member): boolean => id === self || (state === 'alive' && isolated === undefined)
    const here = new Set(members.filter(isHere).map(({ id }) => id))
    const left = new Set(members.filter(({ state }) => state === 'left').map(({ id }) => id))
    const staying = [...this.#counted].filter((id) => !left.has(id)).sort(compareText)
    return {
      counted: staying,
      reachable: staying.filter((id) => here.has(id)),
      unreachable: staying.filter((id) => !here.has(id)),
      present: members
        .filter((member) => here.has(member.id) && counts(member))
        .map(({ id }) => id)
        .sort(compareText),
    }
  }
}

/** Another text with each change that counts; a member that went and came back has another time. */
function keyOf({ members, isolated, catchesUp, removedSinceMs, decision }: Sight): string {
  const each = members.map(({ id, generation, state, sinceMs }) => `${id} ${generation} ${state} ${sinceMs}`)
  return [`${isolated !== undefined} ${catchesUp} ${removedSinceMs} ${decision}`, ...each].join('\n')
}

import { hashText } from './checksum.ts'

/** One event of a kept trace. */
export interface TraceEvent {
  readonly atMs: number
  /** The node it happened to; empty for the world. */
  readonly node: string
  /** What happened, in a word or two that stay the same: `send`, `receive`, `crash`, `leader`. */
  readonly what: string
  /** The other node, where there is one. */
  readonly peer: string
  /** Up to three numbers that belong to it. Of `send`, `receive` and `lose` the first is the number of the frame. */
  readonly numbers: readonly [number, number, number]
  /** A checksum of what was sent or written, where there is any. */
  content?: number
  /** For people; not part of the hash. */
  detail: string | undefined
}

/** The most events that a trace keeps; the oldest go first. */
const MAX_KEPT = 200_000

/**
 * A hash over everything that was noted, in order, with the contents of frames and of what is written. Where it is kept, the
 * events can be read as well.
 */
export class Trace {
  #a = 0x811c9dc5
  #b = 0x9e3779b9
  readonly #numbers = new Float64Array(1)
  readonly #words = new Uint32Array(this.#numbers.buffer)
  readonly #names = new Map<string, number>()
  readonly #kept: TraceEvent[] | undefined
  #dropped = 0

  constructor(options: { readonly keep?: boolean } = {}) {
    this.#kept = options.keep === true ? [] : undefined
  }

  /** Whether events are kept: then a detail is worth composing. */
  get kept(): boolean {
    return this.#kept !== undefined
  }

  /** The kept events; without `keep`, none. */
  get events(): readonly TraceEvent[] {
    return this.#kept ?? []
  }

  /** Events that were kept once and had to go. */
  get dropped(): number {
    return this.#dropped
  }

  /** Notes that something happened. `what` comes from a small fixed set, since each distinct text is remembered. */
  add(atMs: number, node: string, what: string, peer = '', a = 0, b = 0, c = 0): void {
    this.#number(atMs)
    this.#name(node)
    this.#name(what)
    this.#name(peer)
    this.#number(a)
    this.#number(b)
    this.#number(c)
    if (this.#kept === undefined) return
    this.#kept.push({ atMs, node, what, peer, numbers: [a, b, c], detail: undefined })
    if (this.#kept.length <= MAX_KEPT) return
    // In large pieces, since taking one from the front of a long array costs as much as taking many.
    this.#dropped += this.#kept.splice(0, MAX_KEPT / 10).length
  }

  /** Adds to the event that was added last what it was about: a checksum of 32 bits, which is part of the hash. */
  content(checksum: number): void {
    this.#word(checksum)
    const last = this.#kept?.at(-1)
    if (last !== undefined) last.content = checksum >>> 0
  }

  /** Says more about the event that was added last, for people. */
  detail(text: string): void {
    const last = this.#kept?.at(-1)
    if (last !== undefined) last.detail = text
  }

  /** 16 hexadecimal digits over all events so far. */
  get hash(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0')
  }

  #number(value: number): void {
    this.#numbers[0] = value
    this.#word(this.#words[0] as number)
    this.#word(this.#words[1] as number)
  }

  #name(text: string): void {
    let known = this.#names.get(text)
    if (known === undefined) {
      known = hashText(text)
      this.#names.set(text, known)
    }
    this.#word(known)
  }

  #word(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x01000193)
    this.#b = Math.imul((this.#b ^ word) + 0x7f4a7c15, 0x85ebca6b)
    this.#b ^= this.#b >>> 13
  }
}

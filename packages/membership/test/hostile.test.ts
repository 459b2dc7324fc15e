import { SeededRandom } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../src/core/codec.ts'
import type { AlertStatement } from '../src/core/cut/alert-book.ts'
import { ALERT_QUESTIONS } from '../src/core/cut/alert-codec.ts'
import { BUCKETS } from '../src/core/digest.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import { type FrameHeader, KINDS, type Message, type MessageBody } from '../src/core/message.ts'
import { type Rumor, STATES } from '../src/core/record.ts'
import { resolveOptions } from '../src/options.ts'

const IDS = ['me', 'n1', 'n2', 'n3', 'x'] as const
const NUMBERS = [
  0,
  1,
  2,
  3,
  2 ** 32,
  2 ** 48,
  2 ** 48 + 1,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
] as const

const SEEDS = 6
const FRAMES = 250

/** Frames that are well formed, and lie in whatever can be lied in. */
class Liar {
  readonly #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  one<T>(of: readonly T[]): T {
    return of[this.#random.integer(0, of.length)] as T
  }

  some<T>(make: () => T): T[] {
    return Array.from({ length: this.#random.integer(0, 4) }, make)
  }

  /** Mostly small ones, which are believed more often. */
  number(): number {
    return this.#random.float() < 0.7 ? this.#random.integer(0, 4) : this.one(NUMBERS)
  }

  /** A later life of the node itself would silence it, which is as it should be. */
  #generationOf(id: string): number {
    return id === 'me' ? 1 : Math.max(1, this.number())
  }

  #statement(): AlertStatement {
    const [observer, subject] = [this.one(IDS), this.one(IDS)]
    const generations = { generation: this.#generationOf(observer), subjectGeneration: this.#generationOf(subject) }
    return { observer, subject, ...generations, version: this.number(), raised: this.one([true, false]) }
  }

  #rumor(): Rumor {
    const [id, state] = [this.one(IDS), this.one(STATES)]
    const numbers = { generation: this.#generationOf(id), incarnation: this.number(), nonce: this.number() }
    return {
      record: { id, state, metadata: [], ...numbers },
      ageMs: this.number(),
      accusers: this.some(() => this.one(IDS)),
    }
  }

  #body(): MessageBody {
    const payload = new Uint8Array(this.#random.integer(0, 4))
    const id = { nonce: this.number(), number: this.number() }
    const kind = this.one(KINDS)
    switch (kind) {
      case 'ping':
        return { kind, seq: this.number(), generation: this.number() }
      case 'ack':
      case 'ping-busy':
        return { kind, seq: this.number() }
      case 'ping-request':
        return { kind, seq: this.number(), target: this.one(IDS), generation: this.number() }
      case 'ping-answer':
        return { kind, seq: this.number(), reached: this.one([true, false]) }
      case 'gossip':
        return { kind }
      case 'hello':
        return { kind, answers: this.number(), joined: this.one([true, false]) }
      case 'sync-request':
      case 'sync-reply':
        return { kind, last: this.one([true, false]) }
      case 'digest':
        return { kind, sums: Array.from({ length: BUCKETS }, () => this.#random.integer(0, 2 ** 32)) }
      case 'digest-answer':
        return { kind, ranges: [] }
      case 'sync-delta':
        return { kind, pull: this.some(() => this.one(IDS)) }
      case 'alerts':
        return { kind, question: this.one(ALERT_QUESTIONS), sum: 0, statements: this.some(() => this.#statement()) }
      case 'broadcasts': {
        const process = () => ({ origin: this.one(IDS), generation: Math.max(1, this.number()), nonce: this.number() })
        const news = () => ({ sequence: this.number(), topic: 't', payload, leftMs: this.number() })
        return { kind, items: this.some(() => ({ ...process(), ...news() })) }
      }
      case 'query':
        return { kind, ...id, leftMs: this.number(), name: 'q', payload }
      case 'answer':
        return { kind, ...id, result: { ok: true, payload } }
    }
  }

  /** `undefined` where even the codec would not write it. */
  frame(): Uint8Array | undefined {
    const message = { ...this.#body(), rumors: this.some(() => this.#rumor()) } as Message
    const header: FrameHeader = {
      version: 2,
      versions: { min: 1, max: 2 },
      nonce: this.number(),
      sequence: this.number(),
    }
    try {
      return encodeMessage(message, 'test', header)
    } catch {
      return undefined
    }
  }
}

const WAYS = [
  ['swim', false],
  ['swim', true],
  ['cut', false],
  ['cut', true],
] as const

test.each(WAYS)(
  'no frame that can be read ends a member, whatever it says (removal %s, broadcast %s)',
  (removal, canBroadcast) => {
    let read = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const liar = new Liar(seed)
      const options = resolveOptions({ cluster: 'test', removal })
      const self = { id: 'me', generation: 1 }
      const core = new MembershipCore({ ...options, self, nonce: 1, seed, canBroadcast, maxFrameBytes: 4_096 })
      let nowMs = 0
      const carryOut = (effects: readonly Effect[]): void => {
        for (const effect of effects) {
          if (effect.type === 'send' || effect.type === 'broadcast')
            encodeMessage(effect.message, 'test', effect.header)
          if (effect.type !== 'query') continue
          carryOut(core.answer(effect.query.key, { ok: true, payload: new Uint8Array(1) }, nowMs))
        }
      }
      carryOut([...core.connection(true, nowMs), ...core.join(nowMs)])
      for (let step = 0; step < FRAMES; step++) {
        const frame = liar.frame()
        const decoded = frame === undefined ? undefined : decodeMessage(frame, 'test')
        if (decoded?.ok === true) {
          read += 1
          const from = { id: liar.one(IDS), generation: Math.max(1, liar.number()) }
          carryOut(core.receive(decoded.message, from, nowMs, decoded.header))
        }
        nowMs = Math.max(nowMs, Math.min(nowMs + 500, core.deadlineMs() ?? nowMs + 500))
        carryOut(core.tick(nowMs))
      }
      expect(core.deadlineMs(), `seed ${seed}: it takes part still`).toBeDefined()
    }
    expect(read).toBeGreaterThan((SEEDS * FRAMES) / 4)
  },
)

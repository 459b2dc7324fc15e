import type { Broadcast, IncomingQuery, Member, Membership, Query, QueryOptions, QuerySummary } from '@dsys/membership'
import { type Clock, type Random, SeededRandom, utf8 } from '@dsys/runtime'
import { pick } from '@dsys/simulation'
import type { Address } from './sightings.ts'
import type { Verdict } from './verdict.ts'

const TOPIC = 'news'
const QUERY = 'greet'

/** What all lives of a run have said: each message has a number of its own. */
export class Said {
  readonly #by: Address[] = []

  /** A message of `self` begins. */
  add(self: Address): string {
    this.#by.push(self)
    return String(this.#by.length - 1)
  }

  by(token: string): Address | undefined {
    return this.#by[Number(token)]
  }
}

/** What the talk of one life works with. */
export interface TalkParts {
  readonly self: Address
  readonly membership: Membership
  readonly clock: Clock
  readonly random: Random
  readonly said: Said
  readonly verdict: Verdict
  readonly count: (what: string) => void
  readonly stirred: () => void
  readonly alive: () => boolean
}

/** What the application of one life says by broadcasts and queries, and the checks of what it hears. */
export class Talk {
  readonly #parts: TalkParts
  readonly #heard = new Set<string>()
  readonly #greeted = new Set<string>()
  /** Queries that have not ended. */
  #open = 0

  constructor(parts: TalkParts) {
    this.#parts = parts
  }

  /** To be called inside a step of the process, before the start. */
  listen(): void {
    const { membership } = this.#parts
    membership.onQuery(QUERY, (query) => this.#greet(query))
    this.#follow(membership.broadcasts(TOPIC)).catch((error: unknown) => this.#broken('a stream ends well', error))
  }

  /** To be called inside a step of the process, while it runs. */
  broadcast(seed: number): void {
    const { membership, said, self, stirred } = this.#parts
    const random = new SeededRandom(seed)
    for (let left = pick(random, [1, 1, 3, 40]); left > 0; left--)
      membership.broadcast(TOPIC, utf8.encode(said.add(self)), { ttlMs: pick(random, [30_000, 5_000, 1_000]) })
    stirred()
  }

  /** To be called inside a step of the process, while it runs. */
  query(seed: number): void {
    const { membership, said, self, clock, stirred } = this.#parts
    const random = new SeededRandom(seed)
    const members = membership.members().filter(({ state }) => state === 'alive' || state === 'suspect')
    const controller = new AbortController()
    const options: QueryOptions = {
      timeoutMs: pick(random, [2_000, 500, 100]),
      signal: controller.signal,
      ...(random.float() < 0.3 ? { nodes: ['n0', 'n1', 'nobody'] } : {}),
      ...(random.float() < 0.3 ? { filter: ({ id }: Member) => id !== 'n2' } : {}),
    }
    const token = said.add(self)
    const reason = new Error('given up')
    if (random.float() < 0.2) {
      clock.setTimer(50, () => {
        controller.abort(reason)
        stirred()
      })
    }
    this.#open += 1
    const query = membership.query(QUERY, utf8.encode(token), options)
    this.#collect(query, token, members, options).then(
      () => {
        this.#open -= 1
      },
      (error: unknown) => {
        this.#open -= 1
        if (error !== reason) this.#broken('a query ends well', error)
        else this.#parts.count('talk.given-up')
      },
    )
    stirred()
  }

  /** At the end, when all that was asked has had its time. */
  checkEnded(): void {
    if (this.#open > 0) this.#broken('a query ends', `${this.#open} have not`)
  }

  async #follow(stream: AsyncIterable<Broadcast>): Promise<void> {
    const { said, count } = this.#parts
    for await (const { payload, origin } of stream) {
      const token = utf8.decode(payload)
      const by = said.by(token)
      count('talk.heard')
      if (by?.id !== origin.id || by.generation !== origin.generation)
        this.#broken('nobody hears what nobody said', `${token} by ${origin.id}/${origin.generation}`)
      if (this.#heard.has(token)) this.#broken('a broadcast is delivered once', `${token} by ${origin.id} came again`)
      this.#heard.add(token)
    }
  }

  async #greet({ payload, from, signal }: IncomingQuery): Promise<Uint8Array> {
    const { self, said, random, clock, stirred } = this.#parts
    const token = utf8.decode(payload)
    const by = said.by(token)
    if (by?.id !== from.id || by.generation !== from.generation)
      this.#broken('nobody hears what nobody said', `query ${token} by ${from.id}/${from.generation}`)
    if (this.#greeted.has(token)) this.#broken('a handler runs once', `query ${token} by ${from.id} came again`)
    this.#greeted.add(token)
    const delayMs = pick(random, [0, 0, 30, 300, 3_000])
    if (delayMs > 0) {
      await new Promise<void>((resolve) => {
        clock.setTimer(delayMs, () => {
          resolve()
          stirred()
        })
      })
    }
    if (!signal.aborted && random.float() < 0.1) throw new RangeError('it does not feel like it')
    return utf8.encode(`${token} ${self.id}/${self.generation}`)
  }

  async #collect(query: Query, token: string, members: readonly Member[], options: QueryOptions): Promise<void> {
    const { count } = this.#parts
    const from: string[] = []
    for await (const answer of query) {
      const { id, generation } = answer.from
      if (from.includes(id)) this.#broken('a member answers once', `${id} answered ${token} twice`)
      from.push(id)
      count(answer.ok ? 'talk.answer' : 'talk.failure')
      if (answer.ok && utf8.decode(answer.payload) !== `${token} ${id}/${generation}`)
        this.#broken('answers belong to their query', `${id} answered ${token} by ${utf8.decode(answer.payload)}`)
    }
    const summary = await query.summary()
    count(`talk.${summary.end}`)
    this.#checkSummary(summary, from, members, options)
  }

  #checkSummary(summary: QuerySummary, from: string[], members: readonly Member[], { nodes }: QueryOptions): void {
    const { answered, failed, silent, absent, filtered } = summary
    if ([...answered, ...failed].sort().join() !== from.sort().join())
      this.#broken('a summary is true', `${answered.join()} and ${failed.join()} are not ${from.join()}`)
    const all = [...answered, ...failed, ...silent, ...absent, ...filtered].sort().join()
    const expected = [...new Set([...members.map(({ id }) => id), ...(nodes ?? [])])].sort().join()
    if (all !== expected) this.#broken('a summary is whole', `${all} are not ${expected}`)
  }

  #broken(rule: string, why: unknown): void {
    const { self, verdict, alive } = this.#parts
    if (alive()) verdict.broken(rule, `${self.id}/${self.generation}: ${String(why)}`)
  }
}

import {
  type Batch,
  contextOf,
  type Dot,
  type DottedObject,
  decodeSeen,
  decodeStored,
  decodeTold,
  EMPTY_KNOWLEDGE,
  encodeSeen,
  encodeStored,
  encodeTold,
  joinSeen,
  type Knowledge,
  make,
  mustCompareAgain,
  type ReplicaState,
  receive,
  Seen,
  type SeenRow,
  strip,
  type ToldObject,
  tell,
  type VersionPolicy,
} from '@dsys/kv/eventual'

/**
 * A step of a program. Numbers are taken modulo what there is, so any part of a program is a program: that is what lets it shrink.
 *
 * put, delete: client `a` at replica `b`, key `c` · read: the same · deliver, drop, again: message `a` · restart, wipe: replica `a` · reap: replica `a` ·
 * begin: a sync of `a` and `b` · compare: key `c` of round `a` · end: round `a` · hand: key `c` of `a` to `b`
 */
export type Op = readonly [kind: OpKind, a: number, b: number, c: number]
export type OpKind =
  | 'put'
  | 'delete'
  | 'blind'
  | 'read'
  | 'deliver'
  | 'drop'
  | 'again'
  | 'restart'
  | 'wipe'
  | 'reap'
  | 'begin'
  | 'compare'
  | 'end'
  | 'hand'

/** One write, with the writes that it knew of by the definition: no clock is asked. */
interface Event {
  readonly id: number
  readonly key: string
  readonly dot: Dot
  readonly isPut: boolean
  /** Itself, and all that it came after. */
  readonly history: ReadonlySet<number>
  readonly client: number
}

interface Message {
  readonly key: string
  readonly told: ToldObject
  readonly to: number
  readonly known: ReadonlySet<number>
  readonly gone: ReadonlySet<number>
}

interface Replica {
  state: ReplicaState
  objects: Map<string, DottedObject>
  rows: Map<string, SeenRow>
  /** By the definition: what it has heard of each key in objects, and in all. */
  told: Map<string, Set<number>>
  known: Map<string, Set<number>>
  /** What it was told to be replaced by a write that it does not know itself. */
  gone: Set<number>
}

interface Round {
  readonly pair: readonly [number, number]
  readonly lives: readonly Replica[]
  readonly snapshots: readonly (readonly SeenRow[])[]
  readonly knowns: readonly Map<string, Set<number>>[]
  readonly compared: Set<string>
}

interface Client {
  context: Knowledge
  known: Set<number>
}

export const KEYS = ['k0', 'k1', 'k2']
const CLIENTS = 4
/** How many messages, and rounds, are under way at most: the oldest are lost. */
const MAX_UNDER_WAY = 40
const MAX_ROUNDS = 4

const nameOf = ({ actor, counter }: Dot): string => `${actor}:${counter}`

/** Replicas of one partition, with the true histories by their side. Each step checks what it must not break. */
export class World {
  readonly replicas: Replica[]
  readonly #events: Event[] = []
  readonly #byDot = new Map<string, Event>()
  readonly #clients = new Map<string, Client>()
  #messages: Message[] = []
  #rounds: Round[] = []
  #actors = 0
  readonly #policy: VersionPolicy
  discarded = 0

  constructor(replicas: number, policy: VersionPolicy = 'siblings') {
    this.#policy = policy
    this.replicas = Array.from({ length: replicas }, () => this.#empty())
  }

  run(ops: readonly Op[]): void {
    for (const op of ops) this.step(op)
  }

  step([kind, a, b, c]: Op): void {
    const key = KEYS[c % KEYS.length] as string
    const at = b % this.replicas.length
    const other = a % this.replicas.length
    if (kind === 'put' || kind === 'delete' || kind === 'blind') this.#write(a % CLIENTS, at, key, kind)
    else if (kind === 'read') this.#read(a % CLIENTS, at, key)
    else if (kind === 'deliver' || kind === 'again' || kind === 'drop') this.#message(kind, a)
    else if (kind === 'restart') this.#restart(other)
    else if (kind === 'wipe') this.replicas[other] = this.#empty()
    else if (kind === 'reap') this.#reap(this.#replica(other))
    else if (kind === 'hand') this.#send(other, at, key)
    else if (kind === 'begin') this.#begin(other, at)
    else this.#round(kind, a, key)
  }

  /** Syncs every pair whole until nothing is new, and checks that all are equal. */
  settle(): void {
    const count = this.replicas.length
    for (let pass = 0; pass < 3; pass++) {
      for (let i = 0; i < count; i++) for (let j = 0; j < i; j++) this.#syncWhole(i, j)
    }
    const views = this.replicas.map((replica) => KEYS.map((key) => dotsOf(replica.objects.get(key)).join()).join(' | '))
    for (const view of views) check(view === views[0], `replicas differ after syncing: ${views.join(' <> ')}`)
    for (const { state } of this.replicas) {
      check(
        state.seen.equals((this.replicas[0] as Replica).state.seen),
        'replicas have seen different things after syncing',
      )
    }
  }

  /** Entries of stored clocks, at most. */
  longestClock(): number {
    return Math.max(
      0,
      ...this.replicas.flatMap(({ objects }) =>
        [...objects.values()].map(({ clock, dots }) => clock.length + dots.length),
      ),
    )
  }

  /** After {@link World.settle} without a lost store: no hole is left, so no clock is, and what was deleted has left nothing behind. */
  checkReaped(): void {
    this.reapAll()
    for (const { state, objects } of this.replicas) {
      for (const { actor, spans } of state.seen.snapshot())
        check(spans.length === 0, `a hole is left in what was seen of ${actor}`)
      for (const [key, { versions, clock, dots }] of objects) {
        check(versions.length > 0, `${key} is deleted, its clock is covered, and it is stored`)
        check(clock.length + dots.length === 0, `${key} is stored with a clock that is covered`)
      }
    }
  }

  objectsStored(): number {
    return this.replicas.reduce((sum, { objects }) => sum + objects.size, 0)
  }

  reapAll(): void {
    for (const replica of this.replicas) this.#reap(replica)
  }

  #empty(): Replica {
    const actor = `n${this.#actors++}`
    const state = { actor, seen: new Seen(), policy: this.#policy }
    return { state, objects: new Map(), rows: new Map(), told: new Map(), known: new Map(), gone: new Set() }
  }

  #replica(i: number): Replica {
    return this.replicas[i] as Replica
  }

  #write(client: number, at: number, key: string, kind: 'put' | 'delete' | 'blind'): void {
    const replica = this.#replica(at)
    const mind = this.#mind(client, key)
    const context = kind === 'blind' ? EMPTY_KNOWLEDGE : mind.context
    const id = this.#events.length
    const value = kind === 'delete' ? undefined : new Uint8Array([id & 0xff])
    const time = { wallMs: id, logical: 0 }
    const made = make(replica.state, replica.objects.get(key), {
      context,
      value,
      expiresAtMs: undefined,
      time,
      after: undefined,
    })
    if (made.kind !== 'made') throw new Error(`a write was refused: ${made.kind}`)
    check(!this.#byDot.has(nameOf(made.dot)), `the dot ${nameOf(made.dot)} was given twice`)
    const history = new Set(kind === 'blind' ? [] : mind.known).add(id)
    const event = { id, key, dot: made.dot, isPut: value !== undefined, history, client }
    this.#events.push(event)
    this.#byDot.set(nameOf(made.dot), event)
    this.#store(replica, key, made.batch)
    this.discarded += made.discarded
    this.#learn(replica, key, history)
    this.#checkObject(replica, key)
    const alone = (made.batch.object?.versions.length ?? 0) === (event.isPut ? 1 : 0)
    mind.context = made.context
    mind.known = alone ? this.#tellable(replica, key) : history
    for (let to = 0; to < this.replicas.length; to++)
      if (to !== at)
        this.#post({ key, told: made.told, to, known: this.#tellable(replica, key), gone: new Set(replica.gone) })
  }

  #mind(client: number, key: string): Client {
    const name = `${client}/${key}`
    const mind = this.#clients.get(name) ?? { context: EMPTY_KNOWLEDGE, known: new Set<number>() }
    this.#clients.set(name, mind)
    return mind
  }

  #read(client: number, at: number, key: string): void {
    const replica = this.#replica(at)
    const mind = this.#mind(client, key)
    mind.context = contextOf(tell(replica.state.seen, replica.objects.get(key)))
    mind.known = this.#tellable(replica, key)
  }

  /** What an object that leaves now tells: what was heard in objects, and what is below the base. */
  #tellable(replica: Replica, key: string): Set<number> {
    const tellable = new Set(replica.told.get(key))
    for (const id of replica.known.get(key) ?? []) {
      const dot = this.#dotOf(id)
      if (dot.counter <= replica.state.seen.base(dot.actor)) tellable.add(id)
    }
    return tellable
  }

  #dotOf(id: number): Dot {
    return (this.#events[id] as Event).dot
  }

  #post(message: Message): void {
    this.#messages.push(message)
    if (this.#messages.length > MAX_UNDER_WAY) this.#messages.shift()
  }

  #message(kind: 'deliver' | 'again' | 'drop', a: number): void {
    if (this.#messages.length === 0) return
    const at = a % this.#messages.length
    const message = this.#messages[at] as Message
    if (kind !== 'again') this.#messages.splice(at, 1)
    if (kind !== 'drop') this.#take(this.#replica(message.to), message)
  }

  #take(replica: Replica, { key, told, known, gone }: Omit<Message, 'to'>): void {
    const received = receive(replica.state, replica.objects.get(key), decodeTold(encodeTold(told)))
    check(received.kind === 'received', 'a replica is said to have forgotten something')
    if (received.kind !== 'received') return
    if (received.batch !== undefined) this.#store(replica, key, received.batch)
    this.discarded += received.discarded
    for (const { lives, compared } of this.#rounds) {
      const i = lives.indexOf(replica)
      const other = i < 0 ? undefined : lives[1 - i]?.state.seen
      if (other !== undefined && mustCompareAgain(received.added, other)) compared.delete(key)
    }
    this.#learn(replica, key, known)
    for (const id of gone) if (known.has(id)) replica.gone.add(id)
    this.#checkObject(replica, key)
  }

  #learn(replica: Replica, key: string, events: Iterable<number>): void {
    const told = replica.told.get(key) ?? new Set()
    const known = replica.known.get(key) ?? new Set()
    for (const id of events) {
      told.add(id)
      known.add(id)
    }
    replica.told.set(key, told)
    replica.known.set(key, known)
  }

  #store(replica: Replica, key: string, { object, rows }: Batch): void {
    if (object === undefined) replica.objects.delete(key)
    else replica.objects.set(key, object)
    for (const actor of rows) replica.rows.set(actor, replica.state.seen.row(actor))
  }

  /** The process ends, and starts again from what it has stored. */
  #restart(at: number): void {
    const replica = this.#replica(at)
    const seen = Seen.of([...replica.rows.values()].flatMap((row) => decodeSeen(encodeSeen([row]))))
    check(seen.equals(replica.state.seen), 'what was seen is not stored with what was seen')
    replica.state = { ...replica.state, seen }
    for (const [key, object] of replica.objects) replica.objects.set(key, decodeStored(encodeStored(object)))
  }

  #reap(replica: Replica): void {
    for (const [key, object] of [...replica.objects]) {
      const left = strip(replica.state.seen, object)
      if (left === undefined) replica.objects.delete(key)
      else replica.objects.set(key, left)
      this.#checkObject(replica, key)
    }
  }

  /** A part of a sync, or a hint: one object, as it is. */
  #send(from: number, to: number, key: string): void {
    if (from === to) return
    const replica = this.#replica(from)
    this.#post({
      key,
      told: tell(replica.state.seen, replica.objects.get(key)),
      to,
      known: this.#tellable(replica, key),
      gone: new Set(replica.gone),
    })
  }

  #begin(a: number, b: number): void {
    if (a === b) return
    const lives = [this.#replica(a), this.#replica(b)]
    this.#rounds.push({
      pair: [a, b],
      lives,
      snapshots: lives.map(({ state }) => state.seen.snapshot()),
      knowns: lives.map(({ known }) => new Map([...known].map(([key, ids]) => [key, new Set(ids)]))),
      compared: new Set(),
    })
    if (this.#rounds.length > MAX_ROUNDS) this.#rounds.shift()
  }

  #round(kind: 'compare' | 'end', a: number, key: string): void {
    const round = this.#rounds[a % Math.max(1, this.#rounds.length)]
    if (round === undefined) return
    // A replica that has lost its store is none of the two that began.
    if (round.pair.some((at, i) => this.#replica(at) !== round.lives[i]))
      this.#rounds = this.#rounds.filter((other) => other !== round)
    else if (kind === 'compare') this.#compare(round, key)
    else if (round.compared.size === KEYS.length) {
      this.#end(round)
      this.#rounds = this.#rounds.filter((other) => other !== round)
    }
  }

  #compare({ lives, compared }: Round, key: string): void {
    const [a, b] = lives as [Replica, Replica]
    if (comparedOf(a.objects.get(key)) === comparedOf(b.objects.get(key))) {
      compared.add(key)
      return
    }
    const dots = (replica: Replica) =>
      (replica.objects.get(key)?.versions ?? []).map(({ actor, counter }) => ({ actor, counter }))
    const answers = [
      [a, b],
      [b, a],
    ].map(([from, to]) => {
      const { seen } = (from as Replica).state
      const asked = dots(to as Replica)
      const told = tell(seen, (from as Replica).objects.get(key), asked)
      const known = this.#tellable(from as Replica, key)
      for (const dot of told.heard) known.add((this.#byDot.get(nameOf(dot)) as Event).id)
      return { to: to as Replica, message: { key, told, known, gone: new Set((from as Replica).gone) } }
    })
    for (const { to, message } of answers) this.#take(to, message)
    compared.add(key)
  }

  #end({ lives, snapshots, knowns }: Round): void {
    const replaced = lives.map((replica) => this.#replacedAt(replica))
    for (const [i, replica] of lives.entries()) {
      const joined = joinSeen(replica.state, snapshots[1 - i] ?? [])
      check(joined.kind === 'joined', 'a replica is said to have forgotten something')
      if (joined.kind === 'joined')
        for (const actor of joined.rows) replica.rows.set(actor, replica.state.seen.row(actor))
      for (const [key, ids] of knowns[1 - i] ?? []) {
        const known = replica.known.get(key) ?? new Set()
        for (const id of ids) {
          if (!replica.state.seen.has(this.#dotOf(id))) continue
          // Replaced over there since the round began, it may be by a delete that was told to nobody: it is replaced all the same.
          if (!known.has(id) && replaced[1 - i]?.has(id)) replica.gone.add(id)
          known.add(id)
        }
        replica.known.set(key, known)
      }
      for (const key of KEYS) this.#checkObject(replica, key)
    }
  }

  #replacedAt({ known, gone }: Replica): Set<number> {
    const replaced = new Set(gone)
    for (const ids of known.values()) {
      for (const id of ids) {
        for (const other of (this.#events[id] as Event).history) if (other !== id) replaced.add(other)
      }
    }
    return replaced
  }

  #syncWhole(a: number, b: number): void {
    this.#begin(a, b)
    const round = this.#rounds.at(-1) as Round
    for (const key of KEYS) this.#compare(round, key)
    this.#end(round)
    this.#rounds.pop()
  }

  /** What must hold of one key on one replica, by its true history. */
  #checkObject(replica: Replica, key: string): void {
    const { seen } = replica.state
    const object = replica.objects.get(key)
    const known = replica.known.get(key) ?? new Set()
    const events = [...known].map((id) => this.#events[id] as Event)
    const replaced = new Set(events.flatMap(({ id, history }) => [...history].filter((other) => other !== id)))
    const expected = events.filter(({ id, isPut }) => isPut && !replaced.has(id) && !replica.gone.has(id))
    const present = (object?.versions ?? []).map((dot) => this.#byDot.get(nameOf(dot)) as Event)
    if (this.#policy === 'siblings') {
      for (const event of expected) check(present.includes(event), `write ${event.id} of ${key} is lost`)
      for (const event of present)
        check(expected.includes(event), `write ${event.id} of ${key}, which was replaced, is back`)
    } else check(present.length <= 1, 'siblings under lww')
    for (const dot of object?.versions ?? []) check(seen.has(dot), `I1: ${nameOf(dot)} is stored, and not seen`)
    for (const event of this.#events) {
      if (event.key === key && seen.has(event.dot))
        check(known.has(event.id), `I2: ${nameOf(event.dot)} of ${key} is seen, and neither stored nor replaced`)
    }
    if (object !== undefined)
      check(object.versions.length + object.clock.length + object.dots.length > 0, 'nothing is stored as something')
  }
}

const dotsOf = (object: DottedObject | undefined): string[] => (object?.versions ?? []).map(nameOf)

const comparedOf = (object: DottedObject | undefined): string =>
  `${dotsOf(object)} without ${(object?.deletes ?? []).map(nameOf)}`

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

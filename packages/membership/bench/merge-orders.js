/**
 * One set of statements, heard in many orders: whatever the order, and whatever comes twice or late, the view must be the same. Takes the core
 * as a parameter, so that both the program and a test can run it.
 */
import { SeededRandom } from '@dsys/runtime'

/** @typedef {import('../src/core/record.ts').MemberRecord} MemberRecord */
/** @typedef {import('../src/core/message.ts').Message} Message */
/** @typedef {Pick<import('../src/core/membership-core.ts').MembershipCore, 'receive' | 'members'>} Listener */

export const SELF = { id: 'me', generation: 1 }
const IDS = ['n1', 'n2', 'n3']
/** @type {readonly MemberRecord['state'][]} from the weakest to the strongest, written down a second time: what is checked must not be asked. */
const RANKS = ['alive', 'suspect', 'dead', 'left']
const MAX_STATEMENTS = 14
/** Of the messages of an order, how many come once more. */
const REPEATED_SHARE = 0.3

/**
 * @template T
 * @param {import('@dsys/runtime').Random} random
 * @param {readonly T[]} list
 */
const pick = (random, list) => /** @type {T} */ (list[random.integer(0, list.length)])

/** Small ranges, so that equal numbers are common. @param {import('@dsys/runtime').Random} random @returns {MemberRecord} */
function drawRecord(random) {
  const hasMetadata = random.float() < 0.3
  return {
    id: pick(random, IDS),
    generation: random.integer(1, 4),
    nonce: random.float() < 0.8 ? 7 : 8,
    incarnation: random.integer(0, 5),
    state: pick(random, RANKS),
    metadata: hasMetadata ? [['zone', pick(random, ['a', 'b'])]] : [],
  }
}

/**
 * Messages of all kinds that may carry statements. Deaths are never told in a full exchange here: by that way they are only doubts, and what
 * comes of them depends on what is known, by intention (ALGORITHM.md).
 *
 * @param {import('@dsys/runtime').Random} random
 * @returns {{ message: Message, from: { id: string, generation: number } }[]}
 */
export function drawMessages(random) {
  const records = Array.from({ length: random.integer(2, MAX_STATEMENTS + 1) }, () => drawRecord(random))
  const messages = []
  while (records.length > 0) {
    const rumors = records.splice(0, random.integer(1, 4)).map((record) => {
      const accusers = random.float() < 0.5 ? [pick(random, ['far', 'x', record.id])] : []
      return { record, accusers, ageMs: random.integer(0, 1_000) }
    })
    const isDeath = rumors.some(({ record }) => record.state === 'dead')
    messages.push({ message: messageWith(random, rumors, isDeath), from: { id: 'far', generation: 1 } })
  }
  return messages
}

/**
 * @param {import('@dsys/runtime').Random} random
 * @param {Message['rumors']} rumors
 * @param {boolean} hasDeath
 * @returns {Message}
 */
function messageWith(random, rumors, hasDeath) {
  const kind = random.integer(0, hasDeath ? 4 : 6)
  if (kind === 0) return { kind: 'gossip', rumors }
  if (kind === 1) return { kind: 'ack', seq: random.integer(1, 5), rumors }
  if (kind === 2) return { kind: 'ping', seq: 1, generation: SELF.generation, rumors }
  if (kind === 3) return { kind: 'ping-answer', seq: random.integer(1, 5), reached: random.float() < 0.5, rumors }
  if (kind === 4) return { kind: 'sync-reply', last: random.float() < 0.5, rumors }
  return { kind: 'sync-delta', pull: [], rumors }
}

/** @param {MemberRecord} a @param {MemberRecord} b whether `a` says more than `b` */
function saysMore(a, b) {
  const text = (/** @type {MemberRecord} */ { metadata }) => JSON.stringify(metadata.map((entry) => entry[1]))
  const numbers = [
    a.generation - b.generation,
    (a.nonce ?? 0) - (b.nonce ?? 0),
    a.incarnation - b.incarnation,
    RANKS.indexOf(a.state) - RANKS.indexOf(b.state),
    a.metadata.length - b.metadata.length,
  ]
  const first = numbers.find((difference) => difference !== 0)
  return first === undefined ? text(a) > text(b) : first > 0
}

/** What must be believed, in one line for each node. @param {readonly MemberRecord[]} records */
function expectedView(records) {
  /** @type {Map<string, MemberRecord>} */
  const most = new Map()
  for (const record of records) {
    const known = most.get(record.id)
    if (known === undefined || saysMore(record, known)) most.set(record.id, record)
  }
  return [...most.values()].map((record) => lineOf(record, Object.fromEntries(record.metadata))).sort()
}

/** @param {{ id: string, generation: number, incarnation: number, state: string }} of @param {Readonly<Record<string, string>>} metadata */
const lineOf = ({ id, generation, incarnation, state }, metadata) =>
  `${id} ${state} ${generation}@${incarnation} ${metadata['zone'] ?? '-'}`

/**
 * @template T
 * @param {import('@dsys/runtime').Random} random
 * @param {readonly T[]} list
 */
function inSomeOrder(random, list) {
  const order = [...list]
  for (const one of list) if (random.float() < REPEATED_SHARE) order.push(one)
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(0, i + 1)
    const swapped = order[i]
    order[i] = /** @type {T} */ (order[j])
    order[j] = /** @type {T} */ (swapped)
  }
  return order
}

/**
 * Lets `orders` fresh listeners hear the statements of one seed, each in an order of its own. Returns what is wrong in words, or nothing.
 *
 * @param {number} seed
 * @param {number} orders
 * @param {(seed: number) => Listener} newListener
 */
export function tryOrders(seed, orders, newListener) {
  const random = new SeededRandom(seed)
  const messages = drawMessages(random)
  const records = messages.flatMap(({ message }) => message.rumors.map(({ record }) => record))
  const expected = expectedView(records).join('\n')
  for (let i = 0; i < orders; i++) {
    const listener = newListener(seed)
    const heard = inSomeOrder(random, messages)
    for (const [at, { message, from }] of heard.entries()) listener.receive(message, from, 10 + at)
    const others = listener.members().filter(({ id }) => id !== SELF.id)
    const view = others.map((member) => lineOf(member, member.metadata)).sort()
    if (view.join('\n') === expected) continue
    const order = heard.map(({ message }) => JSON.stringify(message)).join('\n')
    return `seed ${seed}, order ${i + 1}: the view is\n${view.join('\n')}\nand not\n${expected}\nafter\n${order}`
  }
  return undefined
}

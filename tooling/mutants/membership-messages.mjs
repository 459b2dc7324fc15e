const WINDOW = 'packages/membership/src/core/sequence-window.ts'
const ONCE = 'packages/membership/src/core/once.ts'
const NEWS = 'packages/membership/src/core/user-news.ts'
const BROADCASTS = 'packages/membership/src/core/user-broadcasts.ts'
const COURIER = 'packages/membership/src/core/courier.ts'
const DRIVER = 'packages/membership/src/membership.ts'

/**
 * Bugs in what the application says through the members.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const MESSAGES_MUTANTS = [
  {
    name: 'a broadcast that is here again is delivered again',
    source: 'membership: a broadcast is delivered at most once',
    file: WINDOW,
    from: '    if (this.#has(sequence)) return false\n',
    to: '',
  },
  {
    name: 'a broadcast too old to know is taken for a new one',
    source: 'membership: a broadcast is delivered at most once',
    file: WINDOW,
    from: '    if (sequence <= this.#highest - SEQUENCE_WINDOW) return false\n',
    to: '',
  },
  {
    name: 'the window of an earlier life is that of the next one',
    source: 'membership: a restarted node is a new life; M-09',
    file: ONCE,
    from: '} else if (isLater(heard, from)) return',
    to: "} else if (isLater(heard, { generation: 0, nonce: 0 }) && from.id === '') return",
  },
  {
    name: 'a broadcast of an earlier life is delivered beside the later one',
    source: 'membership: a restarted node is a new life; M-09',
    file: ONCE,
    from: 'if (record === undefined || !isSameProcess(record, from)) return',
    to: 'if (record === undefined) return',
  },
  {
    name: 'a broadcast of somebody who was forgotten is delivered once more',
    source: 'membership: a broadcast is delivered at most once; M-31',
    file: ONCE,
    from: 'if (record === undefined || !isSameProcess(record, from)) return',
    to: 'if (record !== undefined && !isSameProcess(record, from)) return',
  },
  {
    name: 'a broadcast is passed on for ever',
    source: 'membership: each tells it so often as it tells a rumor',
    file: NEWS,
    from: '    if (entry.told < limit) this.#put(entry)\n    else this.#remove(entry)\n',
    to: '    this.#put(entry)\n',
  },
  {
    name: 'a broadcast is told by its sender alone',
    source: 'SWIM §4.1: gossip',
    file: BROADCASTS,
    from: '      this.#queue.add(news, newsBytes(news), false, 0, nowMs)\n',
    to: '',
  },
  {
    name: 'a broadcast that is too old is still told',
    source: 'membership: no broadcast lives longer than its ttlMs',
    file: NEWS,
    from: 'if (nowMs >= entry.endMs) ended.push(entry)',
    to: 'if (nowMs < 0) ended.push(entry)',
  },
  {
    name: 'the time that a broadcast has left begins anew at each member',
    source: 'membership: no broadcast lives longer than its ttlMs',
    file: NEWS,
    from: '({ ...news, leftMs: endMs - nowMs })',
    to: '({ ...news, leftMs: news.leftMs + 0 * (endMs - nowMs) })',
  },
  {
    name: 'any number of broadcasts may be under way',
    source: 'membership: all is bounded; M-32',
    file: NEWS,
    from: 'return this.#own < MAX_OWN_NEWS && ',
    to: 'return ',
  },
  {
    name: 'broadcasts of others fill the memory',
    source: 'membership: all is bounded; M-32',
    file: NEWS,
    from: 'if (!isOwn && this.#waiting.size - this.#own >= MAX_RELAYED_NEWS) this.#giveWay()',
    to: 'if (!isOwn && this.#waiting.size < 0) this.#giveWay()',
  },
  {
    name: 'broadcasts take room in a frame that rumors have taken',
    source: 'membership: broadcasts never crowd out the news of members',
    file: COURIER,
    from: 'itemsThatFit(this.#options.maxFrameBytes - bytes)',
    to: 'itemsThatFit(this.#options.maxFrameBytes - Math.min(bytes, HEADER_BYTES))',
  },
  {
    name: 'a frame with broadcasts brings no rumors',
    source: 'membership: broadcasts never crowd out the news of members',
    file: COURIER,
    from: "{ kind: 'broadcasts', items, rumors })",
    to: "{ kind: 'broadcasts', items, rumors: [] })",
  },
  {
    name: 'the bytes of a broadcast are those of its sender',
    source: 'membership: what the sender does to its bytes is seen by nobody',
    file: DRIVER,
    from: 'const bytes = new Uint8Array(payload)',
    to: 'const bytes = payload',
  },
]

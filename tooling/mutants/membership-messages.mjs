const WINDOW = 'packages/membership/src/core/sequence-window.ts'
const ONCE = 'packages/membership/src/core/once.ts'
const NEWS = 'packages/membership/src/core/user-news.ts'
const BROADCASTS = 'packages/membership/src/core/user-broadcasts.ts'
const COURIER = 'packages/membership/src/core/courier.ts'
const ASKING = 'packages/membership/src/core/asking.ts'
const ANSWERING = 'packages/membership/src/core/answering.ts'
const CORE = 'packages/membership/src/core/membership-core.ts'
const HANDLERS = 'packages/membership/src/query-handlers.ts'
const QUERIES = 'packages/membership/src/queries.ts'
const DRIVER = 'packages/membership/src/messages.ts'

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
    scenario: 'membership',
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
    from: 'if (heard === undefined || isLater(from, heard)) {',
    to: 'if (heard === undefined) {',
  },
  {
    name: 'two processes of one life take turns in opening a new window',
    source: 'membership: a broadcast is delivered at most once',
    file: ONCE,
    from: 'if (heard === undefined || isLater(from, heard)) {',
    to: 'if (heard === undefined || heard.nonce !== from.nonce) {',
  },
  {
    name: 'a broadcast of an earlier life is delivered beside the later one',
    source: 'membership: a restarted node is a new life; M-09',
    file: ONCE,
    from: 'if (record === undefined || !isSameProcess(record, from)) return',
    to: 'if (record === undefined) return',
    scenario: 'membership',
  },
  {
    name: 'a broadcast of somebody who was forgotten is delivered once more',
    source: 'membership: a broadcast is delivered at most once; M-31',
    file: ONCE,
    from: 'if (record === undefined || !isSameProcess(record, from)) return',
    to: 'if (record !== undefined && !isSameProcess(record, from)) return',
  },
  {
    name: 'a member that was forgotten and is met again is heard anew',
    source: 'membership: a broadcast is delivered at most once; M-31',
    file: ONCE,
    from: 'this.#heard.get(from.id) ?? this.#former.get(from.id)',
    to: 'this.#heard.get(from.id)',
    scenario: 'membership',
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
  {
    name: 'who did not answer a query is asked no more',
    source: 'membership: a query that is lost is asked again',
    file: ASKING,
    from: '    asked.nextMs = nowMs + asked.pauseMs\n',
    to: '    asked.nextMs = asked.endMs\n',
  },
  {
    name: 'an answer counts as often as it comes',
    source: 'membership: an answer counts once',
    file: ASKING,
    from: '!asked.waiting.delete(from.id)) return',
    to: '(!asked.waiting.delete(from.id) && !asked.targets.includes(from.id))) return',
    scenario: 'membership',
  },
  {
    name: 'anybody may answer a query',
    source: 'membership: those who were asked answer',
    file: ASKING,
    from: '!asked.waiting.delete(from.id)) return',
    to: '(!asked.waiting.delete(from.id) && asked.targets.includes(from.id))) return',
  },
  {
    name: 'an answer to another process of this node counts',
    source: 'membership: queries are told by their process; M-09',
    file: ASKING,
    from: ' || asked.nonce !== nonce',
    to: '',
  },
  {
    name: 'a query waits for the dead until its deadline',
    source: 'membership: a query ends when all who did not answer are gone',
    file: ASKING,
    from: 'id !== this.#parts.self.id && !view.live.has(id)',
    to: "id === ''",
  },
  {
    name: 'all of a large cluster are asked in one burst',
    source: 'membership: queries go out in waves',
    file: ASKING,
    from: 'asked.at < asked.round.length && sent < room',
    to: 'asked.at < asked.round.length',
  },
  {
    name: 'a query to some members is broadcast to all',
    source: 'membership: who was left out is not asked',
    file: ASKING,
    from: '    for (const id of view.live.keys()) if (!asked.waiting.has(id)) return false\n',
    to: '',
  },
  {
    name: 'a query that is asked again runs again',
    source: 'membership: a handler runs at most once for each query',
    file: ANSWERING,
    from: "    if (heard !== 'first') return\n",
    to: '',
  },
  {
    name: 'an answer that was lost is not given again',
    source: 'membership: an answer that is lost is given again',
    file: ANSWERING,
    from: 'if (known.result !== undefined && nowMs < known.endMs) this.#send',
    to: 'if (known.result !== undefined && nowMs < 0) this.#send',
  },
  {
    name: 'an answer that comes too late is sent',
    source: 'membership: a query whose deadline passed is not answered',
    file: ANSWERING,
    from: 'query.result !== undefined || nowMs >= query.endMs) return',
    to: 'query.result !== undefined) return',
  },
  {
    name: 'any number of queries is remembered',
    source: 'membership: all is bounded; M-32',
    file: ANSWERING,
    from: 'if (this.#remembered.size >= MAX_REMEMBERED_QUERIES) {',
    to: 'if (this.#remembered.size < 0) {',
  },
  {
    name: 'a query without a connection never ends',
    source: 'membership: a query ends at its deadline',
    file: CORE,
    from: 'if (!this.gate.connected) return queryMs === Number.POSITIVE_INFINITY ? undefined : queryMs',
    to: 'if (!this.gate.connected) return undefined',
  },
  {
    name: 'a query that waited for the connection makes the node doubt itself',
    source: 'membership: what fell due without a connection is no block; Lifeguard',
    file: CORE,
    from: '    this.#queries.asking.reconnected(nowMs)\n',
    to: '',
  },
  {
    name: 'a farewell leaves queries under way',
    source: 'membership: a stop ends the queries',
    file: CORE,
    from: '    this.#queries.asking.stop()\n    const peers',
    to: '    const peers',
  },
  {
    name: 'a handler that does not give up leaves its timer behind when the node stops',
    source: 'membership: disposable in every state',
    file: HANDLERS,
    from: '      timer.cancel()\n      controller.abort',
    to: '      controller.abort',
  },
  {
    name: 'a handler that throws is silent',
    source: 'membership: a handler that throws is an answer',
    file: HANDLERS,
    from: '        answer(query.key, result)\n',
    to: '        if (result.ok) answer(query.key, result)\n',
  },
  {
    name: 'what a handler throws is told word by word',
    source: 'membership: only an error with a code tells its message',
    file: HANDLERS,
    from: 'failure: isContract ? error.toJSON() : HANDLER_FAILED',
    to: 'failure: isContract ? error.toJSON() : { ...HANDLER_FAILED, message: String(error) }',
  },
  {
    name: 'any number of handlers run',
    source: 'membership: all is bounded; M-32',
    file: HANDLERS,
    from: 'else if (this.#running.size >= MAX_RUNNING_HANDLERS)',
    to: 'else if (this.#running.size < 0)',
  },
  {
    name: 'a handler is not told that nobody waits any more',
    source: 'membership: a query whose deadline passed is not answered',
    file: HANDLERS,
    from: '() => controller.abort(late)',
    to: '() => late',
  },
  {
    name: 'a query that was given up by its signal goes on',
    source: 'membership: cancellation',
    file: QUERIES,
    from: '      run.fail(signal?.reason)\n',
    to: '',
  },
  {
    name: 'a listener stays on the signal of a query',
    source: 'membership: no leak',
    file: QUERIES,
    from: "      signal?.removeEventListener('abort', onAbort)\n",
    to: '',
  },
]

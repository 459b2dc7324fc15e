const ENTRY = 'packages/logical-clock/src/core/set-entry.ts'
const SET = 'packages/logical-clock/src/core/dotted-version-set.ts'
const CLOCK = 'packages/logical-clock/src/core/vector-clock.ts'
const CODEC = 'packages/logical-clock/src/core/clock-codec.ts'
const ACTOR = 'packages/logical-clock/src/core/actor.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const LOGICAL_CLOCK_MUTANTS = [
  {
    name: 'a write hides all writes of its server, whoever has seen them',
    source: 'pitfalls of stores, 3; Almeida et al. 2014: a counter for each server without dots',
    file: SET,
    from: 'siblings: [{ counter, value }, ...(own?.siblings ?? [])]',
    to: 'siblings: [{ counter, value }]',
  },
  {
    name: 'a write discards nothing, so siblings pile up',
    source: 'pitfalls of stores, 3',
    file: SET,
    from: 'const rest = this.discard(context).entries',
    to: 'const rest = this.entries',
  },
  {
    name: 'a write forgets what its writer has seen elsewhere',
    source: 'logical-clock: siblings are exactly the concurrent writes',
    file: SET,
    from: 'order <= 0 ? discardUpTo(entry as SetEntry<V>, seen) : { actor: actor as string, counter: seen, siblings: [] }\n      isSame &&= next === entry\n      entries.push(next)',
    to: 'order <= 0 ? discardUpTo(entry as SetEntry<V>, seen) : { actor: actor as string, counter: seen, siblings: [] }\n      isSame &&= next === entry\n      if (order <= 0) entries.push(next)',
  },
  {
    name: 'a dot is given again after a key was deleted for good',
    source: 'logical-clock: no dot is given twice; riak_kv, per-key actor epochs',
    file: SET,
    from: 'return Math.max(own?.counter ?? 0, actor.floor)',
    to: 'return own?.counter ?? actor.floor * 0',
  },
  {
    name: 'a replica that forgot goes on counting',
    source: 'logical-clock: a replica that forgot is a new actor',
    file: SET,
    from: 'if (known > given) throw',
    to: 'if (known > given + MAX_COUNTER) throw',
  },
  {
    name: 'a value that one replica has discarded comes back from another one',
    source: 'logical-clock: sync',
    file: ENTRY,
    from: '(order < 0 && (ours?.counter ?? 0) > b.counter)',
    to: '(order < 0 && (ours?.counter ?? 0) > 0)',
  },
  {
    name: 'a value that one replica has never heard of is lost in a sync',
    source: 'logical-clock: sync',
    file: ENTRY,
    from: 'else if (order > 0 && (theirs?.counter ?? 0) > a.counter)',
    to: 'else if (order > 0 && (theirs?.counter ?? 0) > a.counter + 1)',
  },
  {
    name: 'what was discarded is not part of what is known when two are compared',
    source: 'logical-clock: compare',
    file: ENTRY,
    from: 'if (a.siblings[i]?.counter !== counter) return false',
    to: 'if (a.siblings[i]?.counter !== counter && i < 0) return false',
  },
  {
    name: 'an overwritten value of the same actor stays',
    source: 'logical-clock: discard',
    file: ENTRY,
    from: '(siblings[count] as Written<V>).counter > counter)',
    to: '(siblings[count] as Written<V>).counter >= counter)',
  },
  {
    name: 'prune takes actors that still have a value',
    source: 'logical-clock: prune',
    file: SET,
    from: 'siblings.length > 0 || !isRetired(actor)',
    to: '!isRetired(actor)',
  },
  {
    name: 'the last writer wins, and its context is dropped with the losers',
    source: 'logical-clock: keepGreatest',
    file: SET,
    from: 'return unchecked(entries)\n  }\n\n  /**\n   * The set without the entries of actors',
    to: 'return unchecked(entries.filter(({ siblings }) => siblings.length > 0))\n  }\n\n  /**\n   * The set without the entries of actors',
  },
  {
    name: 'a floor falls',
    source: 'logical-clock: a floor only grows',
    file: ACTOR,
    from: 'return counter <= actor.floor ? actor',
    to: 'return counter === actor.floor ? actor',
  },
  {
    name: 'a clock is before another one when it is in one actor',
    source: 'logical-clock: vector clocks',
    file: CLOCK,
    from: 'if (other.actors[j] !== actor || (other',
    to: 'if (other.actors[j] === actor && (other',
  },
  {
    name: 'a count is believed before anything of it is there',
    source: 'logical-clock: bytes from anywhere',
    file: CODEC,
    from: "if (count * leastBytes > reader.remaining) throw new MalformedError('it ends too early')\n",
    to: '',
  },
  {
    name: 'one clock can be written in two ways',
    source: 'logical-clock: equal sets have equal bytes',
    file: CODEC,
    from: 'if (before !== undefined && actor <= before)',
    to: 'if (before !== undefined && actor === before)',
  },
  {
    name: 'a set is stored that cannot be read again',
    source: 'logical-clock: limits hold in both directions',
    file: CODEC,
    from: "  checkCount('maxSiblings', set.size, maxSiblings)\n",
    to: '',
  },
]

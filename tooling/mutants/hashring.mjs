const QUOTAS = 'packages/hashring/src/core/table/quotas.ts'
const GREEDY = 'packages/hashring/src/core/table/greedy.ts'
const SEARCH = 'packages/hashring/src/core/table/search.ts'
const ASSIGNMENT = 'packages/hashring/src/core/table/assignment.ts'
const REBALANCE = 'packages/hashring/src/core/table/rebalance.ts'
const PLACES = 'packages/hashring/src/core/table/places.ts'
const PLAN = 'packages/hashring/src/core/table/plan.ts'
const DRAW = 'packages/hashring/src/core/table/quota-draw.ts'
const POINTS = 'packages/hashring/src/core/points.ts'
const KETAMA = 'packages/hashring/src/core/ketama.ts'
const RENDEZVOUS = 'packages/hashring/src/core/rendezvous.ts'
const JUMP = 'packages/hashring/src/core/jump.ts'
const MAGLEV = 'packages/hashring/src/core/maglev.ts'
const BOUNDED = 'packages/hashring/src/core/bounded-load.ts'
const FOLLOW = 'packages/hashring/src/follow.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const HASHRING_MUTANTS = [
  {
    name: 'the name of a virtual node has its number at the end, as text',
    source: 'hashring: names that concatenate alike do not share virtual nodes; pitfalls of the store, row 22',
    file: POINTS,
    from: 'keys[at++] = checkPosition(hash.hash(name), hash)',
    to: `keys[at++] = checkPosition(hash.hash(node.id + number), hash)`,
  },
  {
    name: 'a node may hold a partition twice as far as its quota goes',
    source: 'hashring: a node holds a partition once',
    file: QUOTAS,
    from: 'const share = Math.min(partitions, (left * weight) / weightLeft)',
    to: 'const share = Math.min(2 * partitions, (left * weight) / weightLeft)',
  },
  {
    name: 'fair shares forget the least of a zone',
    source: 'hashring: zones first',
    file: QUOTAS,
    from: 'Math.max((rule.least[zone] as number) * partitions, sum)',
    to: 'Math.max(0 * partitions, sum)',
  },
  {
    name: 'who must be drawn in every round left is left to chance',
    source: 'hashring: a first table never ends in a corner',
    file: DRAW,
    from: 'let urgent = roundsLeft < this.#head.length ? (this.#head[roundsLeft] as number) : NONE',
    to: 'let urgent = roundsLeft < 0 ? (this.#head[roundsLeft] as number) : NONE',
  },
  {
    name: 'a change forgets one old holder of each partition',
    source: 'hashring: the fewest copies',
    file: GREEDY,
    from: 'for (let at = partition * oldWidth; at < (partition + 1) * oldWidth; at++) {\n      const node = old[at] as number\n      if (node === EMPTY) continue',
    to: 'for (let at = partition * oldWidth + 1; at < (partition + 1) * oldWidth; at++) {\n      const node = old[at] as number\n      if (node === EMPTY) continue',
  },
  {
    name: 'a copy costs as much as a holder that stays',
    source: 'hashring: the fewest copies, by cheapest ways',
    file: SEARCH,
    from: '        this.#reach(node, distance + 1, from)',
    to: '        this.#reach(node, distance, from)',
  },
  {
    name: 'an old holder that the zone rule kept out does not come back for nothing',
    source: 'hashring: the fewest copies where zones change',
    file: REBALANCE,
    from: '  if (!keptAll) while',
    to: '  if (!keptAll && problem.width < 0) while',
  },
  {
    name: 'another zone takes the place of a node although its own zone then lacks one',
    source: 'hashring: zones first',
    file: ASSIGNMENT,
    from: '      this.ofZone(partition, zoneFrom) > (rule.least[zoneFrom] as number) &&\n',
    to: '',
  },
  {
    name: 'nodes with too many replicas keep them',
    source: 'hashring: within one replica of the fair share',
    file: REBALANCE,
    from: 'return empty.length > 0 || table.poolIsOver || table.counts.some((_, node) => table.isOver(node))',
    to: 'return empty.length > 0 || table.poolUsed < 0',
  },
  {
    name: 'places are not balanced after a change',
    source: 'hashring: fair at each place',
    file: PLACES,
    from: 'new PlaceOrder(rows, problem, place).settle()',
    to: 'new PlaceOrder(rows, problem, place)',
  },
  {
    name: 'a list names a zone again before another one came',
    source: 'hashring: zones first at the beginning of each list',
    file: PLACES,
    from: 'return times.flatMap((seen, at) => (seen === rarest ? [first + at] : []))',
    to: 'return times.map((_, at) => first + at)',
  },
  {
    name: 'holders do not keep their places',
    source: 'hashring: a change of nothing moves nothing',
    file: PLACES,
    from: 'const own = node === before ?',
    to: 'const own = node === before && share < 0 ?',
  },
  {
    name: 'a plan removes before it adds',
    source: 'hashring: plan; pitfalls of the store, row 20',
    file: PLAN,
    from: "    if (adds.length > 0) steps.push({ kind: 'add', changes: adds })\n    if (removes.length > 0) steps.push({ kind: 'remove', changes: removes })",
    to: "    if (removes.length > 0) steps.push({ kind: 'remove', changes: removes })\n    if (adds.length > 0) steps.push({ kind: 'add', changes: adds })",
  },
  {
    name: 'ketama reckons digests in double precision and rounds them',
    source: 'libketama: floorf of a float',
    file: KETAMA,
    from: 'return Math.floor(Math.fround(share * DIGESTS * nodes))',
    to: 'return Math.round((weight / totalWeight) * DIGESTS * nodes)',
  },
  {
    name: 'a draw of rendezvous depends on the number of nodes',
    source: 'hashring: least movement of rendezvous',
    file: RENDEZVOUS,
    from: 'return mix32(mix32(position ^',
    to: 'return mix32(mix32((position + this.set.size) ^',
  },
  {
    name: 'rendezvous ranks by weight times draw',
    source: 'Schindelhauer and Schomaker 2005: shares in proportion to the weights',
    file: RENDEZVOUS,
    from: 'return negativeLog(this.#draw(position, node)) / (this.#weights[node] as number)',
    to: 'return 1 / ((this.#draw(position, node) + 1) * (this.#weights[node] as number))',
  },
  {
    name: 'jump loses the carry of its multiplication',
    source: 'Lamping and Veach 2014; published vectors',
    file: JUMP,
    from: ' + Math.floor(sum / 2 ** 32)) >>> 0',
    to: ') >>> 0',
  },
  {
    name: 'maglev takes turns without regard to weights',
    source: 'Eisenbud et al. 2016, §3.4; Envoy',
    file: MAGLEV,
    from: 'credits[node] = (credits[node] as number) + (weights[node] as number)',
    to: 'credits[node] = (credits[node] as number) + most',
  },
  {
    name: 'bounded loads are bounded by the number of slots',
    source: 'Mirrokni, Thorup and Zadimoghaddam 2016',
    file: BOUNDED,
    from: 'Math.ceil((shape.loadFactor * shape.slots * weight) / totalWeight)',
    to: 'Math.ceil((shape.loadFactor * shape.slots * weight) / weight)',
  },
  {
    name: 'a follower drops a suspected member',
    source: 'hashring: a suspected member stays',
    file: FOLLOW,
    from: "type !== 'MemberUp' && type !== 'MemberUpdated') return placement",
    to: "type !== 'MemberUp' && type !== 'MemberUpdated') return placement.without(member.id)",
  },
  {
    name: 'a follower speaks before it knows the members',
    source: 'hashring: one placement with all members first',
    file: FOLLOW,
    from: "if (!isSynced || (placement === previous && event.type !== 'Synced')) continue",
    to: "if (placement === previous && (isSynced || event.type !== 'Synced')) continue",
  },
]

const STRATEGY = 'packages/membership/src/resolver/strategy.ts'
const WATCH = 'packages/membership/src/resolver/split-watch.ts'
const RESOLVER = 'packages/membership/src/resolver/split-brain-resolver.ts'
const CHAIN = 'packages/membership/src/resolver/survivor-chain.ts'
const CHAINED = 'packages/membership/src/resolver/chained-lease.ts'
const OBITUARIES = 'packages/membership/src/core/cut/obituaries.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const RESOLVER_MUTANTS = [
  {
    name: 'both halves of a cluster go on',
    source: 'ADR 20',
    file: STRATEGY,
    from: "return { outcome: isHere ? 'survive' : 'down', because:",
    to: "return { outcome: 'survive', because:",
  },
  {
    name: 'a quorum counts though both sides may have it',
    source: 'ADR 20',
    file: STRATEGY,
    from: 'if (all >= 2 * quorum)',
    to: 'if (all >= 4 * quorum)',
  },
  {
    name: 'each node asks for the lease in a name of its own',
    source: 'ADR 20',
    file: STRATEGY,
    from: 'const [owner] = [...present].sort(compareText)',
    to: 'const [owner] = [...counted].sort(compareText)',
  },
  {
    name: 'the resolver acts before the view is stable',
    source: 'ADR 20',
    file: WATCH,
    from: 'if (stableInMs > 0 || isUnsettled)',
    to: 'if (isUnsettled)',
  },
  {
    name: 'the resolver acts while somebody is suspected',
    source: 'ADR 20',
    file: WATCH,
    from: "sight.catchesUp || sight.members.some(({ state }) => state === 'suspect')",
    to: 'sight.catchesUp',
  },
  {
    name: 'a member that went and came back between two looks was always there',
    source: 'ADR 20',
    file: WATCH,
    from: 'state, sinceMs }) =>',
    to: 'state }, sinceMs) =>',
  },
  {
    name: 'those who left are lost',
    source: 'M-13',
    file: WATCH,
    from: '.filter((id) => !left.has(id))',
    to: '.filter((id) => id !== undefined || left.has(id))',
  },
  {
    name: 'those whom a side lost count for ever',
    source: 'ADR 20',
    file: RESOLVER,
    from: '    this.#watch.survive(split)\n',
    to: '',
  },
  {
    name: 'a side goes on when nobody knows who has the lease',
    source: 'ADR 20',
    file: RESOLVER,
    from: "let outcome: 'survive' | 'down' = 'down'",
    to: "let outcome: 'survive' | 'down' = 'survive'",
  },
  {
    name: 'the lease is asked for though the split is over',
    source: 'ADR 20',
    file: RESOLVER,
    from: "const isSame = now.kind === 'split' && now.split.present.join('\\n') === split.present.join('\\n')",
    to: "const isSame = now.kind !== 'removed'",
  },
  {
    name: 'whom the others removed goes on',
    source: 'ADR 20',
    file: WATCH,
    from: 'if (sight.removedSinceMs !== undefined)',
    to: 'if (sight.members.length === 0)',
  },
  {
    name: 'one that hears nobody makes the others believe that they are removed',
    source: 'ADR 20',
    file: OBITUARIES,
    from: 'agree === 0 || agree < majorityOf(observers.length)',
    to: 'agree === 0',
  },
  {
    name: 'a side goes on without one of those who went on before',
    source: 'ADR 21',
    file: CHAIN,
    from: "last.members.every((one) => isOver(here, one)) ? 'decides' : 'refused'",
    to: "last.members.every((one) => isOver(here, one)) ? 'decides' : 'decides'",
  },
  {
    name: 'a new life goes on by the word that its earlier life had',
    source: 'ADR 21',
    file: CHAIN,
    from: "if (counts && has(last.members, self)) return 'decides'",
    to: "if (counts && last.members.some(({ id }) => id === self.id)) return 'decides'",
  },
  {
    name: 'a view older than the split brings back who was left out',
    source: 'ADR 21',
    file: CHAIN,
    from: 'const excluded = [...earlier, ...lost].slice(-MAX_EXCLUDED)',
    to: 'const excluded = [...earlier, ...lost].slice(0, 0)',
  },
  {
    name: 'a side that lost the compare-and-set goes on',
    source: 'ADR 21',
    file: CHAINED,
    from: "return isOurs ? 'holds' : 'again'",
    to: "return isOurs || entry !== undefined ? 'holds' : 'again'",
  },
  {
    name: 'an answer that got lost is a refusal',
    source: 'ADR 21',
    file: CHAINED,
    from: "          return 'again' as const",
    to: "          return 'refused' as const",
  },
  {
    name: 'an answer that got lost is taken for a success',
    source: 'ADR 21',
    file: CHAINED,
    from: "          tell(error)\n          return 'again' as const",
    to: "          tell(error)\n          return 'holds' as const",
  },
  {
    name: 'who joined and who was started again is never named among those who go on',
    source: 'ADR 21',
    file: RESOLVER,
    from: "if (finding.kind === 'whole' && sight.isolated === undefined)",
    to: "if (finding.kind === 'split' && sight.isolated !== undefined)",
  },
]

const DETECTOR = 'packages/membership/src/core/detector.ts'
const VIEW = 'packages/membership/src/core/view.ts'
const HEARSAY = 'packages/membership/src/core/hearsay.ts'
const DESCRIPTION = 'packages/membership/src/core/description.ts'
const CODEC = 'packages/membership/src/core/record-codec.ts'
const RECORD = 'packages/membership/src/core/record.ts'
const OWN = 'packages/membership/src/core/own-record.ts'
const FILTER = 'packages/membership/src/member-filter.ts'
const HISTORY = 'packages/membership/src/history.ts'
const EXPLAIN = 'packages/membership/src/explain-member.ts'
const OUTLOOK = 'packages/membership/src/core/outlook.ts'
const ROUTES = 'apps/reference-node/src/http/membership-routes.ts'
const DRIVER = 'packages/membership/src/membership.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const EVIDENCE_MUTANTS = [
  {
    name: 'a helper that said nothing is told as one that failed',
    source: 'membership: events with their evidence',
    file: DETECTOR,
    from: "answer: answer === 'asked' ? 'none' : answer }",
    to: "answer: 'failed' }",
  },
  {
    name: 'a death leaves out who confirms it',
    source: 'membership: events with their evidence',
    file: DETECTOR,
    from: 'probes: probesOf(tally), accusers: others }',
    to: 'probes: probesOf(tally), accusers: [] }',
  },
  {
    name: 'hearsay is told as seen by whoever passes it on',
    source: 'membership: events with their evidence',
    file: HEARSAY,
    from: "return { kind: 'accused', from, accusers }",
    to: "return { kind: 'accused', from, accusers: [from] }",
  },
  {
    name: 'the evidence of a state is that of the last statement in it',
    source: 'membership: events with their evidence',
    file: VIEW,
    from: 'evidence: goesOn ? known.evidence : cause.evidence',
    to: 'evidence: cause.evidence',
  },
  {
    name: 'a stream that begins during a suspicion does not say why',
    source: 'membership: events with their evidence',
    file: DRIVER,
    from: 'this.#core?.outlook.evidence(member.id) ?? present',
    to: 'present',
  },
  {
    name: 'roles are told to the neighbours alone',
    source: 'membership: roles and tags reach everybody; M-28',
    file: CODEC,
    from: '  for (const { tag, bytes } of facts) writer.varint(tag).varint(bytes.length).raw(bytes)\n',
    to: '  for (const { tag, bytes } of record.incarnation > 0 ? [] : facts) writer.varint(tag).varint(bytes.length).raw(bytes)\n',
    scenario: 'membership',
  },
  {
    name: 'the limit on metadata leaves roles and tags out',
    source: 'membership: one limit for all that a node says of itself; M-33',
    file: CODEC,
    from: 'facts.reduce((sum, { bytes }) => sum + bytes.length, metadataBytes(metadata))',
    to: 'facts.reduce((sum) => sum, metadataBytes(metadata))',
  },
  {
    name: 'an update forgets what it does not give',
    source: 'membership: an update keeps the rest',
    file: DRIVER,
    from: '{ metadata, roles, capabilities, tags, ...given }',
    to: '{ ...this.#options, ...given }',
  },
  {
    name: 'an update that changes nothing is told',
    source: 'membership: an update that changes nothing says nothing',
    file: OWN,
    from: 'if (changedParts(this.record, record).length === 0) return',
    to: 'if (changedParts(this.record, record).length === 9) return',
  },
  {
    name: 'a change of roles is no event',
    source: 'membership: events tell what has changed',
    file: DESCRIPTION,
    from: "for (const part of ['roles', 'capabilities', 'tags'] as const) {\n    const [a, b]",
    to: "for (const part of ['capabilities', 'tags'] as const) {\n    const [a, b]",
  },
  {
    name: 'a role may travel twice, or in any order',
    source: 'membership: a record has one form',
    file: DESCRIPTION,
    from: 'if (!isInOrder) throw',
    to: "if (!isInOrder && name === '') throw",
  },
  {
    name: 'roles take no part in the merge',
    source: 'membership: the merge rule is a total order; M-28',
    file: RECORD,
    from: '=> [...facts, ...unknown]',
    to: '=> (facts.length > 0 ? unknown : unknown)',
  },
  {
    name: 'text that UTF-8 cannot carry is let in',
    source: 'membership: what others say of a node is what it said',
    file: DESCRIPTION,
    from: 'if (/\\p{Surrogate}/u.test(text)) throw',
    to: "if (text === '\\ud801') throw",
  },
  {
    name: 'one tag that fits is enough',
    source: 'membership: a filter means those of whom all of it holds',
    file: FILTER,
    from: 'wanted.every(',
    to: 'wanted.length === 0 || wanted.some(',
  },
  {
    name: 'a member that is forgotten is not explained',
    source: 'membership: every removal is explained',
    file: DRIVER,
    from: '        this.#history.forgotten(effect.id, effect.last, effect.evidence, clock.monotonicMs())\n',
    to: '',
  },
  {
    name: 'the past of all that ever were is kept',
    source: 'membership: all is bounded; M-31',
    file: HISTORY,
    from: 'if (this.#incidents.size <= this.#maxMembers) return',
    to: 'if (this.#incidents.size > 0) return',
  },
  {
    name: 'an earlier removal is not explained',
    source: 'membership: every removal is explained',
    file: EXPLAIN,
    from: 'removals.slice(isGone ? 1 : 0)',
    to: 'removals.slice(isGone ? 1 : 9)',
  },
  {
    name: 'a member that comes and goes is not told as such',
    source: 'membership: why a member flaps',
    file: EXPLAIN,
    from: 'refuted.length < FLAPS',
    to: 'refuted.length <= FLAPS',
  },
  {
    name: 'the metric of members goes on to count those forgotten',
    source: 'membership: metrics',
    file: DRIVER,
    from: 'effect.evidence, clock.monotonicMs())\n        if (this.#core !== undefined) this',
    to: 'effect.evidence, clock.monotonicMs())\n        if (this.#core === undefined) this',
  },
  {
    name: 'who pinged is kept for ever',
    source: 'membership: topology; all is bounded; M-31',
    file: OUTLOOK,
    from: '    this.#pingedMs.delete(id)\n',
    to: '',
  },
  {
    name: 'strangers that ping fill the memory',
    source: 'membership: topology; all is bounded; M-31',
    file: OUTLOOK,
    from: 'if (this.#context.view.get(from) !== undefined) this',
    to: 'this',
  },
  {
    name: 'the topology leaves out for whom a node helps',
    source: 'membership: topology',
    file: DETECTOR,
    from: '({ id: target, askedBy: origin.id })',
    to: '({ id: target, askedBy: target })',
  },
  {
    name: 'the topology leaves out who suspects besides the first',
    source: 'membership: topology',
    file: OUTLOOK,
    from: '      accusers,\n      forMs',
    to: '      accusers: accusers.slice(0, 1),\n      forMs',
  },
  {
    name: 'the members over HTTP are not chosen by their tags',
    source: 'reference node: members over HTTP',
    file: ROUTES,
    from: 'return { ...names, tags, ...',
    to: 'return { ...names, ...',
  },
  {
    name: 'an unknown question about members is answered with all of them',
    source: 'reference node: members over HTTP',
    file: ROUTES,
    from: '    } else {\n      const hint',
    to: "    } else if (name === 'none') {\n      const hint",
  },
  {
    name: 'a refutation loses the roles and tags',
    source: 'membership: roles and tags reach everybody',
    file: OWN,
    from: ': { ...own, incarnation, state: ',
    to: ': { ...own, facts: undefined, incarnation, state: ',
    scenario: 'membership',
  },
  {
    name: 'that the view is stale is left out of the explanation',
    source: 'membership: explain says what its judgement suffers from',
    file: EXPLAIN,
    from: "if (view.state === 'stale') {",
    to: "if (view.state === 'stale' && health.multiplier > 9) {",
  },
]

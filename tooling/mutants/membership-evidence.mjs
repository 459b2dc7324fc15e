const DETECTOR = 'packages/membership/src/core/detector.ts'
const VIEW = 'packages/membership/src/core/view.ts'
const HEARSAY = 'packages/membership/src/core/hearsay.ts'
const DRIVER = 'packages/membership/src/membership.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const EVIDENCE_MUTANTS = [
  {
    name: 'a helper that said nothing is told as one that failed',
    source: 'membership: events with their evidence',
    file: DETECTOR,
    from: "answer: answer === 'failed' ? answer : 'none' }",
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
    from: 'this.#core?.evidence(member.id) ?? present',
    to: 'present',
  },
]

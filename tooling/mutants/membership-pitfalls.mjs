const DETECTOR = 'packages/membership/src/core/detector.ts'
const HEARSAY = 'packages/membership/src/core/hearsay.ts'
const VIEW = 'packages/membership/src/core/view.ts'
const DRIVER = 'packages/membership/src/membership.ts'
const CHANGES = 'packages/membership/src/core/view-changes.ts'

/**
 * One bug at least for each known pitfall that the other lists do not have.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const MEMBERSHIP_PITFALL_MUTANTS = [
  {
    name: 'a death of somebody unknown is forgotten at once',
    source: 'M-04',
    file: HEARSAY,
    from: '(known === undefined && isOver)',
    to: '(known === undefined && !isLive(record.state))',
    scenario: 'membership',
  },
  {
    name: 'a death of somebody unknown is told as a member that goes down',
    source: 'M-04',
    file: VIEW,
    from: '      if (wasLive) this.#event',
    to: '      if (wasLive || before === undefined) this.#event',
    scenario: 'membership',
  },
  {
    name: 'of two deaths the one that is heard first stays',
    source: 'membership: the merge rule; M-01, M-05',
    file: HEARSAY,
    from: 'if (!view.isNews(record) || (known',
    to: "if (!view.isNews(record) || (record.state === 'dead' && known?.record.state === 'dead') || (known",
    scenario: 'membership',
  },
  {
    name: 'what others say of the own metadata is not contradicted',
    source: 'M-08',
    file: 'packages/membership/src/core/own-record.ts',
    from: 'if (compareRecords({ ...heard, nonce: this.record.nonce }, this.record) <= 0) return false',
    to: "if (heard.state === 'alive') return false",
    scenario: 'membership',
  },
  {
    name: 'the suspicion of an earlier statement goes on for the next one',
    source: 'M-16',
    file: VIEW,
    from: 'sameState && known.record.incarnation === record.incarnation ? known.suspicion',
    to: 'sameState ? known.suspicion',
  },
  {
    name: 'a refutation is told once',
    source: 'SWIM §4.2; M-18',
    file: CHANGES,
    from: '    courier.spread(record)\n    invariant(',
    to: '    if (record.id !== this.#context.options.self.id) courier.spread(record)\n    invariant(',
    scenario: 'membership',
  },
  {
    name: 'an interval may be shorter than a millisecond',
    source: 'M-24',
    file: 'packages/membership/src/options.ts',
    from: 'value >= SHORTEST_MS &&',
    to: 'value > 0 &&',
  },
  {
    name: 'nobody else is asked for a member that does not answer',
    source: 'SWIM §3.1; M-26',
    file: DETECTOR,
    from: '      this.timeouts.missed(probe.target)\n      this.#askHelpers(probe, nowMs)',
    to: '      probe.indirect = true',
  },
  {
    name: 'helpers that say nothing prove as much as those that failed',
    source: 'M-30',
    file: DETECTOR,
    from: 'if (nobodyTried && tally.failed',
    to: 'if (nobodyTried && -tally.failed',
  },
  {
    name: 'a helper that is too busy to try says that it failed',
    source: 'M-30',
    file: DETECTOR,
    from: "send(origin, { kind: 'ping-busy', seq: originSeq }, nowMs)",
    to: "send(origin, { kind: 'ping-answer', seq: originSeq, reached: false }, nowMs)",
  },
  {
    name: 'that a helper is busy proves that its target is not there',
    source: 'M-30',
    file: DETECTOR,
    from: '      probe.helpers.set(from.id, answer)\n',
    to: "      probe.helpers.set(from.id, 'failed')\n",
  },
  {
    name: 'helpers that are busy speak against the health of who asked them',
    source: 'Lifeguard, local health: nacks',
    file: DETECTOR,
    from: ".every((answer) => answer === 'asked')",
    to: ".every((answer) => answer !== 'failed')",
  },
  {
    name: 'metadata of any size is taken at run time',
    source: 'M-33',
    file: DRIVER,
    from: '    checkDescription(description)\n',
    to: '',
    scenario: 'membership',
  },
  {
    name: 'an event stream waits for its consumer for ever',
    source: 'M-34',
    file: DRIVER,
    from: 'return this.#hub.subscribe(options, [',
    to: 'return this.#hub.subscribe({ ...options, capacity: 1e9 }, [',
  },
  {
    name: 'a connection that comes back may accuse what failed before it went',
    source: 'membership: isolation gate; M-35',
    file: DETECTOR,
    from: '    this.#probes.clear()\n    this.#relays.clear()\n',
    to: '',
  },
  {
    name: 'that the transport met nobody is proof enough',
    source: 'M-37',
    file: DETECTOR,
    from: '      if (!probe.indirect) this.#askHelpers(probe, nowMs)\n      this.#hasten(probe, nowMs)',
    to: '      probe.endMs = nowMs',
  },
  {
    name: 'a process that counts its lives anew never takes the place of the one before',
    source: 'membership: two processes with one id; M-07, M-12',
    file: 'packages/membership/src/core/own-record.ts',
    from: '      if (!isLive(heard.state)) this.#replace(heard, nowMs)\n',
    to: '',
    scenario: 'membership',
    fixed: { countOfLives: 'last-lost' },
  },
]

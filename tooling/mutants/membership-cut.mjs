const VERDICT = 'packages/membership/src/core/cut/verdict.ts'
const DETECTOR = 'packages/membership/src/core/cut/cut-detector.ts'
const OBSERVATION = 'packages/membership/src/core/cut/observation.ts'
const RINGS = 'packages/membership/src/core/cut/observer-rings.ts'
const WATERMARKS = 'packages/membership/src/core/cut/watermarks.ts'
const BOOK = 'packages/membership/src/core/cut/alert-book.ts'
const EDGE = 'packages/membership/src/core/cut/edge.ts'
const QUARANTINE = 'packages/membership/src/core/cut/quarantine.ts'
const HEARSAY = 'packages/membership/src/core/hearsay.ts'
const SWIM = 'packages/membership/src/core/detector.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const CUT_MUTANTS = [
  {
    name: 'whoever is out keeps its voice',
    source: 'ADR 18',
    file: VERDICT,
    from: 'for (const one of observedBy.get(subject) ?? []) silence(one, subject)',
    to: 'for (const one of observedBy.get(subject) ?? []) silence(one, one.of.subject)',
  },
  {
    name: 'those who pass the high watermark go out at once, not the worst first',
    source: 'ADR 18',
    file: VERDICT,
    from: 'new Set(worst(next).map(({ subject }) => subject))',
    to: 'new Set(next.map(({ of }) => of.subject))',
  },
  {
    name: 'observers in doubt keep their voice',
    source: 'Rapid §4.2, implicit alerts',
    file: VERDICT,
    from: '!out.has(observer) && !doubted.has(observer)',
    to: '!out.has(observer)',
  },
  {
    name: 'observers that say nothing are waited for without end',
    source: 'Rapid §4.2, reinforcement',
    file: VERDICT,
    from: 'hasVoice(observer) && (!one.isRipe || speaks(observer))',
    to: 'hasVoice(observer)',
  },
  {
    name: 'whoever vouches for a member does not count',
    source: 'ADR 18',
    file: VERDICT,
    from: 'one.alerting.has(observer) || one.vouching.has(observer)',
    to: 'one.alerting.has(observer)',
  },
  {
    name: 'a share of the observers is rounded down',
    source: 'Rapid §4.2, watermarks',
    file: WATERMARKS,
    from: 'Math.ceil((count * mark) / options.observers)',
    to: 'Math.floor((count * mark) / options.observers)',
  },
  {
    name: 'one observer of three puts a member in doubt',
    source: 'ADR 18',
    file: WATERMARKS,
    from: 'count < 3 ? 1 : Math.min(2, options.lowWatermark)',
    to: '1',
  },
  {
    name: 'one member observes another one by two rings',
    source: 'Rapid §4.1',
    file: RINGS,
    from: 'if (before === id || observers.includes(before)) continue',
    to: 'if (before === id) continue',
  },
  {
    name: 'an older statement of an observer wins',
    source: 'ADR 18, alerts are a lattice',
    file: BOOK,
    from: 'if (before !== undefined && compareStatements(statement, before.statement) <= 0) return false',
    to: 'if (before !== undefined && compareStatements(statement, before.statement) === 0) return false',
  },
  {
    name: 'an alert is withdrawn as easily as it is not raised',
    source: 'ADR 18',
    file: EDGE,
    from: 'this.#failed(WITHDRAW_OF) > WITHDRAW_FAILED',
    to: 'this.#failed(RAISE_OF) >= RAISE_FAILED',
  },
  {
    name: 'a removed member is let in as soon as it refutes',
    source: 'ADR 18; M-26',
    file: HEARSAY,
    from: '  if (cut?.holdsBack(record) === true) return\n',
    to: '',
  },
  {
    name: 'whoever was removed goes on to accuse others',
    source: 'ADR 18',
    file: HEARSAY,
    from: 'cut !== undefined && isAccusation && view.dead.has(from.id) && view.live.has(record.id)',
    to: 'cut !== undefined && isAccusation && view.dead.has(record.id) && view.live.has(record.id)',
  },
  {
    name: 'the wait of a removed member goes on while its observers do not reach it',
    source: 'ADR 18; M-26',
    file: DETECTOR,
    from: 'this.#quarantine.unreachable(id, nowMs)',
    to: 'this.#quarantine.unreachable(id, 0)',
  },
  {
    name: 'the wait is the same after each removal',
    source: 'ADR 18',
    file: QUARANTINE,
    from: 'this.#readmitAfterMs * 2 ** Math.min(times - 1, MAX_DOUBLINGS)',
    to: 'this.#readmitAfterMs',
  },
  {
    name: 'a farewell is held back',
    source: 'M-13; ADR 18',
    file: QUARANTINE,
    from: 'if (!isLive(record.state) || !isSameProcess(removed.record, record)) return false',
    to: 'if (!isSameProcess(removed.record, record)) return false',
  },
  {
    name: 'a death of which others tell is believed though nobody is in doubt here',
    source: 'ADR 18',
    file: DETECTOR,
    from: 'return !this.#verdict.out.includes(id) && !this.#verdict.doubted.includes(id)',
    to: 'return id === undefined',
  },
  {
    name: 'whoever is itself in doubt removes others',
    source: 'ADR 18',
    file: DETECTOR,
    from: 'out.includes(self.id) || doubted.includes(self.id)',
    to: 'self.id === undefined',
  },
  {
    name: 'members are removed while others are in doubt',
    source: 'Rapid §4.2, the almost everywhere agreement of cuts',
    file: DETECTOR,
    from: 'const isClear = !isUnclear || overdueMs >= options.reinforceAfterMs',
    to: 'const isClear = !isUnclear || overdueMs > Number.NEGATIVE_INFINITY',
  },
  {
    name: 'a cut waits for ever while others come into doubt',
    source: 'ADR 18, it ends',
    file: DETECTOR,
    from: 'const isClear = !isUnclear || overdueMs >= options.reinforceAfterMs',
    to: 'const isClear = !isUnclear',
  },
  {
    name: 'those who were removed are not observed any more',
    source: 'ADR 18',
    file: OBSERVATION,
    from: "if (state === 'dead') this.#removed.add(id)",
    to: "if (state === 'left') this.#removed.add(id)",
  },
  {
    name: 'a suspicion ends in a death all the same',
    source: 'ADR 18',
    file: SWIM,
    from: "    if (options.removal === 'cut') return Number.POSITIVE_INFINITY\n",
    to: '',
  },
  {
    name: 'an alert about one that was forgotten meanwhile stands for ever',
    source: 'ADR 18; M-31',
    file: DETECTOR,
    from: '      this.#hearOwn(statement, nowMs)\n',
    to: '',
    scenario: 'membership',
  },
  {
    name: 'whoever observes ten members takes itself for isolated where a few of them are silent',
    source: 'ADR 18; M-36',
    file: 'packages/membership/src/core/isolation.ts',
    from: "this.#window = removal === 'cut' ? observers : ",
    to: 'this.#window = removal.length === 0 ? observers : ',
    scenario: 'membership',
  },
  {
    name: 'a verdict settles while the process stands still',
    source: 'ADR 18, M-19',
    file: DETECTOR,
    from: 'this.#candidates = later(this.#candidates, lostMs)',
    to: 'this.#candidates = later(this.#candidates, 0)',
  },
  {
    name: 'who vouched for a member is silent after a block',
    source: 'ADR 18, M-19',
    file: DETECTOR,
    from: '    this.#book.excuse(lostMs)\n',
    to: '',
  },
  {
    name: 'who vouched for a member is silent after an outage',
    source: 'ADR 18, M-35',
    file: DETECTOR,
    from: 'if (this.#deafSinceMs !== undefined) this.#heardNobodyFor(nowMs - this.#deafSinceMs)',
    to: 'if (this.#deafSinceMs !== undefined) this.#heardNobodyFor(0)',
  },
  {
    name: 'one frame brings an observer to a version above which nothing can be said',
    source: 'membership: no frame ends a member; M-10',
    file: DETECTOR,
    from: 'if (isOld || version >= MAX_VERSION) return',
    to: 'if (isOld) return',
  },
  {
    name: 'an age grows until it cannot be written',
    source: 'membership: no frame ends a member; M-10',
    file: 'packages/membership/src/core/record-codec.ts',
    from: 'Math.min(reader.varint(), MAX_AGE_MS)',
    to: 'reader.varint()',
  },
  {
    name: 'a process that is late at every turn never comes to a verdict',
    source: 'ADR 18, it ends',
    file: DETECTOR,
    from: 'if (this.#candidates !== undefined) this.#candidates = later(this.#candidates, lostMs)',
    to: 'this.#candidates = undefined',
  },
]

const CORE = 'packages/membership/src/core/membership-core.ts'
const DETECTOR = 'packages/membership/src/core/detector.ts'
const SUSPICION = 'packages/membership/src/core/suspicion.ts'
const VIEW = 'packages/membership/src/core/view.ts'
const HEALTH = 'packages/membership/src/core/local-health.ts'
const OWN = 'packages/membership/src/core/own-record.ts'
const HEARSAY = 'packages/membership/src/core/hearsay.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const LIFEGUARD_MUTANTS = [
  {
    name: 'an accuser counts as often as it is heard',
    source: 'Lifeguard, suspicion; M-14',
    file: VIEW,
    from: '[...new Set([...entry.accusers, ...accusers])]',
    to: '[...entry.accusers, ...accusers]',
  },
  {
    name: 'the suspected confirms that it is suspected',
    source: 'Lifeguard, suspicion; M-14',
    file: VIEW,
    from: '.filter((id) => id !== entry.record.id)',
    to: ".filter((id) => id !== '')",
  },
  {
    name: 'whoever passes a suspicion on confirms it',
    source: 'Lifeguard, suspicion; M-14',
    file: HEARSAY,
    from: 'confirm(known, rumor.accusers ?? [], nowMs)',
    to: 'confirm(known, rumor.accusers ?? [from.id], nowMs)',
  },
  {
    name: 'a suspicion of another statement confirms',
    source: 'Lifeguard, suspicion; M-14',
    file: HEARSAY,
    from: "known?.record.state === 'suspect' && compareRecords(record, known.record) === 0",
    to: "known?.record.state === 'suspect' && record.state === 'suspect'",
  },
  {
    name: 'whoever waited for the end of a suspicion calls itself an accuser',
    source: 'Lifeguard, suspicion; M-14',
    file: CORE,
    from: "state === 'suspect' ? [this.#self.id] : entry.accusers",
    to: "state === 'alive' ? [] : [this.#self.id]",
  },
  {
    name: 'a confirmation is not passed on',
    source: 'Lifeguard, suspicion',
    file: CORE,
    from: '    this.#courier.spread(entry.record)\n    this.#nextGossipMs',
    to: '    this.#nextGossipMs',
  },
  {
    name: 'an own probe that failed does not confirm what others suspect',
    source: 'Lifeguard, suspicion',
    file: DETECTOR,
    from: '    else confirm(entry, nowMs)\n',
    to: '',
  },
  {
    name: 'confirmations do not shorten a suspicion',
    source: 'Lifeguard, suspicion; M-15',
    file: SUSPICION,
    from: 'const share = shares[Math.min(confirmations, shares.length - 1)] as number',
    to: 'const share = shares[Math.min(confirmations, 0)] as number',
  },
  {
    name: 'confirmations shorten a suspicion evenly',
    source: 'Lifeguard, suspicion; M-15',
    file: SUSPICION,
    from: '[0, 0.5, 0.7924812503605781, 1]',
    to: '[0, 1 / 3, 2 / 3, 1]',
  },
  {
    name: 'confirmations are waited for where nobody is left to confirm',
    source: 'Lifeguard, suspicion; M-29',
    file: SUSPICION,
    from: 'canConfirm < options.suspicionConfirmations ? 0',
    to: 'canConfirm < 0 ? 0',
  },
  {
    name: 'a suspicion lasts as long in a large cluster as in a small one',
    source: 'SWIM §4.2',
    file: SUSPICION,
    from: 'options.suspicionTimeoutMs * Math.max(1, log10(members))',
    to: 'options.suspicionTimeoutMs * Math.max(1, Math.min(1, log10(members)))',
  },
  {
    name: 'the own health never comes down',
    source: 'Lifeguard, local health; M-21',
    file: HEALTH,
    from: 'this.#set(this.#multiplier - 1)',
    to: 'this.#set(this.#multiplier)',
  },
  {
    name: 'the own health has no bound',
    source: 'Lifeguard, local health; M-21',
    file: HEALTH,
    from: 'Math.min(this.#max, Math.max(1, multiplier))',
    to: 'Math.max(1, multiplier)',
  },
  {
    name: 'the own health does not come down where nobody is left to probe',
    source: 'Lifeguard, local health; M-21',
    file: DETECTOR,
    from: '    if (view.live.size === 0) health.lower()\n',
    to: '',
  },
  {
    name: 'probes take longer by the own health, and begin as often as before',
    source: 'Lifeguard, local health; M-22',
    file: CORE,
    from: 'nowMs + probeIntervalMs * this.#health.multiplier',
    to: 'nowMs + probeIntervalMs',
  },
  {
    name: 'the probe timeout does not grow with the own health',
    source: 'Lifeguard, local health; M-22',
    file: DETECTOR,
    from: 'options.probeTimeoutMs * health.multiplier',
    to: 'options.probeTimeoutMs',
  },
  {
    name: 'a failed probe speaks against this node although its helpers answered',
    source: 'Lifeguard, local health: nacks',
    file: DETECTOR,
    from: "filter((answer) => answer === 'asked').length",
    to: "filter((answer) => answer !== 'late').length",
  },
  {
    name: 'to have to refute says nothing of the own health',
    source: 'Lifeguard, local health',
    file: OWN,
    from: "health.raise(1, 'refuted')",
    to: "health.raise(0, 'refuted')",
  },
  {
    name: 'a late timer says nothing of the own health',
    source: 'Lifeguard, local health; M-19',
    file: CORE,
    from: 'health.raise(1 + Math.floor(lateMs / this.#options.probeIntervalMs)',
    to: 'health.raise(0 * Math.floor(lateMs / this.#options.probeIntervalMs)',
  },
  {
    name: 'lost time does not show while timers are far apart',
    source: 'membership: a blocked process accuses nobody; M-19, M-23',
    file: DETECTOR,
    from: 'this.#wakeMs = nowMs + options.probeTimeoutMs / 2',
    to: 'this.#wakeMs = nowMs + options.probeTimeoutMs * 1e9',
    scenario: 'membership',
    fixed: { stranger: true },
  },
  {
    name: 'input hides that a timer is late',
    source: 'membership: a blocked process accuses nobody; M-19',
    file: DETECTOR,
    from: 'else if (this.#wakeMs === Number.POSITIVE_INFINITY) this',
    to: 'else this',
  },
]

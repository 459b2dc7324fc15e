const PHI = 'packages/failure-detector/src/core/phi-accrual.ts'
const TAIL = 'packages/failure-detector/src/core/normal-tail.ts'
const WINDOW = 'packages/failure-detector/src/core/interval-window.ts'
const SILENCE = 'packages/failure-detector/src/core/silence.ts'
const OPTIONS = 'packages/failure-detector/src/options.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const FAILURE_DETECTOR_MUTANTS = [
  {
    name: 'phi counts in powers of e by default',
    source: 'Hayashibara et al. 2004, definition of phi',
    file: OPTIONS,
    from: "  scale: 'log10',\n  distribution",
    to: "  scale: 'natural',\n  distribution",
  },
  {
    name: 'the tail is that of the logistic approximation',
    source: 'failure-detector: phi is what the paper says',
    file: TAIL,
    from: '  if (x > 0) return x * x - naturalLog(0.5 * scaledErfc(x))\n',
    to: '  if (x > 0) return y * (1.5976 + 0.070566 * y * y)\n',
  },
  {
    name: 'the logarithm is that of the engine',
    source: 'failure-detector: the same answers in every engine',
    file: TAIL,
    from: '  if (x > 0) return x * x - naturalLog(0.5 * scaledErfc(x))\n',
    to: '  if (x > 0) return x * x - Math.log(0.5 * scaledErfc(x))\n',
  },
  {
    name: 'the least deviation is not applied',
    source: 'failure-detector: minStdDeviationMs',
    file: PHI,
    from: 'return Math.max(minStdDeviationMs, ',
    to: 'return Math.max(minStdDeviationMs * 0.001, ',
  },
  {
    name: 'the pause counts in the suspicion and not in the time that is said beforehand',
    source: 'failure-detector: isAvailable is whether unavailableFromMs has come',
    file: PHI,
    from: 'return options.acceptablePauseMs + this.#intervals.mean',
    to: 'return this.#intervals.mean',
  },
  {
    name: 'a failure is taken for an interval',
    source: 'Akka: the first heartbeat after a failure skews the statistics',
    file: PHI,
    from: '    const intervals = isCapped ? this.#intervals.add(this.#patienceMs()) : this.#intervals\n',
    to: '    const intervals = isCapped ? this.#intervals.add(this.#patienceMs()) : this.#intervals.add(nowMs - countsFromMs)\n',
  },
  {
    name: 'a late interval is not capped',
    source: 'failure-detector: lateIntervals',
    file: PHI,
    from: 'this.#intervals.add(this.#patienceMs())',
    to: 'this.#intervals.add(nowMs - countsFromMs)',
  },
  {
    name: 'the wait for the first heartbeat is taken for an interval',
    source: 'failure-detector: watchedSinceMs',
    file: PHI,
    from: 'if (heardMs === undefined || countsFromMs',
    to: 'if (countsFromMs',
  },
  {
    name: 'two heartbeats at one time are an interval of nothing',
    source: 'failure-detector: one at the very time of the last one says nothing new',
    file: PHI,
    from: ' || nowMs === countsFromMs) {',
    to: ') {',
  },
  {
    name: 'the time in which nobody listened is an interval',
    source: 'failure-detector: excuse',
    file: SILENCE,
    from: 'this.countsFromMs + lostMs))',
    to: 'this.countsFromMs + 0 * lostMs))',
  },
  {
    name: 'an excuse reaches into the future',
    source: 'failure-detector: excuse',
    file: SILENCE,
    from: 'Math.min(nowMs, this.countsFromMs + lostMs)',
    to: 'this.countsFromMs + lostMs',
  },
  {
    name: 'a time before the last heartbeat is taken',
    source: 'failure-detector: times out of order are refused; M-23',
    file: SILENCE,
    from: 'if (!isTime(nowMs) || isBefore)',
    to: 'if (!isTime(nowMs) || (isBefore && nowMs < 0))',
  },
  {
    name: 'no time at all is taken',
    source: 'failure-detector: times out of order are refused; M-23',
    file: SILENCE,
    from: 'if (!isTime(nowMs) || isBefore)',
    to: 'if (isBefore)',
  },
  {
    name: 'a time is taken with which nothing can be reckoned',
    source: 'failure-detector: no suspicion is infinite',
    file: SILENCE,
    from: 'Math.abs(ms) <= Number.MAX_SAFE_INTEGER',
    to: 'Number.isFinite(ms)',
  },
  {
    name: 'what an excuse leaves of an interval is learned',
    source: 'failure-detector: excuse',
    file: PHI,
    from: 'this.#silence.isExcused ? this.#intervals :',
    to: 'nowMs < countsFromMs ? this.#intervals :',
  },
  {
    name: 'a window grows over what another one has written',
    source: 'failure-detector: a detector is a value',
    file: WINDOW,
    from: 'if (end === tape.used && end < tape.values.length) {',
    to: 'if (end < tape.values.length) {',
  },
  {
    name: 'rounding piles up in the sums of a window',
    source: 'failure-detector: bounded, and exact now and then',
    file: WINDOW,
    from: 'const isAnew = added % this.#max === 0',
    to: 'const isAnew = added < 0',
  },
  {
    name: 'the window never forgets',
    source: 'failure-detector: maxSamples',
    file: WINDOW,
    from: 'const isFull = this.count === this.#max',
    to: 'const isFull = this.count === this.#max * 2',
  },
  {
    name: 'whoever was never heard is never suspected',
    source: 'failure-detector: watchedSinceMs',
    file: SILENCE,
    from: 'return this.countsFromMs === undefined ? undefined : nowMs - this.countsFromMs',
    to: 'return this.heardMs === undefined ? undefined : nowMs - (this.countsFromMs ?? nowMs)',
  },
  {
    name: 'a pause that is allowed makes the suspicion less than nothing',
    source: 'failure-detector: a suspicion is 0 or more',
    file: PHI,
    from: 'Math.max(0, countingMs) / this.#spreadMs()',
    to: 'countingMs / this.#spreadMs()',
  },
]

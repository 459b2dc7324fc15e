const FAULTY = 'packages/transport/src/faulty/faulty-transport.ts'
const HELD = 'packages/transport/src/faulty/held-frames.ts'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const TRANSPORT_MUTANTS = [
  {
    name: 'a cut one way cuts both',
    source: 'faulty: cuts one way or both',
    file: FAULTY,
    from: "(direction === 'both' ? WAYS : [direction])",
    to: '(direction.length > 0 ? WAYS : [direction])',
  },
  {
    name: 'a cut lets through what was held back',
    source: 'faulty: a cut loses what is held back too',
    file: FAULTY,
    from: "if (isCut() || this.connection !== 'connected') this.#counts.cut += 1",
    to: "if (this.connection !== 'connected') this.#counts.cut += 1",
  },
  {
    name: 'a copy shares its bytes with the first',
    source: 'port: a frame belongs to its handler',
    file: FAULTY,
    from: 'bytes: i === 0 ? frame : new Uint8Array(frame)',
    to: 'bytes: i < 9 ? frame : new Uint8Array(frame)',
  },
  {
    name: 'both copies of a frame are reported as absent',
    source: 'port: peer-absent at most once a frame',
    file: FAULTY,
    from: 'if (!this.#connectionTaken && this.#clock.monotonicMs() >= this.#reportsDoubtfulUntilMs)',
    to: 'if (!this.#connectionTaken)',
  },
  {
    name: 'a connection that is taken tells of that below',
    source: 'faulty: takes the connection away',
    file: FAULTY,
    from: 'if (!this.#connectionTaken) this.#events.publish(event)\n        break\n      case',
    to: 'this.#events.publish(event)\n        break\n      case',
  },
  {
    name: 'a frame held back outlives the stop',
    source: 'faulty: stop leaves no timer',
    file: FAULTY,
    from: '        this.#held.clear()\n        this.#handlers.clear()',
    to: '        this.#handlers.clear()',
  },
  {
    name: 'a frame overtakes those that are held back',
    source: 'faulty: a delay keeps the order',
    file: HELD,
    from: 'passage.delayMs === 0 && (passage.overtakable || !this.#lastArrivalMs.has(link))',
    to: 'passage.delayMs === 0',
  },
  {
    name: 'a shorter delay overtakes a longer one',
    source: 'faulty: a delay keeps the order',
    file: HELD,
    from: 'Math.max(wantedMs, this.#lastArrivalMs.get(link) ?? 0)',
    to: 'wantedMs',
  },
  {
    name: 'what is held back has no bound',
    source: 'faulty: bounded',
    file: HELD,
    from: 'if (!this.#budget.take(1, frameBytes)) return false',
    to: 'this.#budget.take(0, 0)',
  },
]

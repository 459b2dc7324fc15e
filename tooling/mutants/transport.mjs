const FAULTY = 'packages/transport/src/faulty/faulty-transport.ts'
const RPC = 'packages/transport/src/rpc/rpc.ts'
const ROOM = 'packages/transport/src/rpc/call-room.ts'
const SERVER = 'packages/transport/src/rpc/server.ts'
const TRACE = 'packages/transport/src/rpc/trace.ts'
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
    from: 'if (event.tag !== undefined || this.#clock.monotonicMs() >= this.#reportsDoubtfulUntilMs)',
    to: 'if (event.type.length > 0)',
  },
  {
    name: 'a copy of a frame bears the tag of both',
    source: 'faulty: there is at most one peer-absent a frame, and none that is not so',
    file: FAULTY,
    from: 'copies === 1 ? tag : undefined',
    to: 'copies > 0 ? tag : undefined',
  },
  {
    name: 'an observer that throws breaks the adapter that tells it',
    source: 'The port: an error of whoever listens does not stop the frames of others',
    file: 'packages/transport/src/transport-endpoint.ts',
    from: '        this.#clock.afterIo(() => {\n          throw error\n        })',
    to: '        throw error',
  },
  {
    name: 'a report of absence ends another call to the same peer',
    source: 'Rpc: not-applied only if the handler has not run',
    file: RPC,
    from: 'const call = tag === undefined ? undefined : this.#calls.get(tag)\n    if (tag === undefined || call === undefined) return\n    this.#calls.delete(tag)',
    to: 'const [first] = this.#calls\n    if (first === undefined) return\n    const [, call] = first\n    this.#calls.delete(first[0])',
  },
  {
    name: 'a report of absence about a call of an earlier Rpc ends one of the next',
    source: 'Rpc: not-applied only if the handler has not run',
    file: RPC,
    from: '    this.#lastId = this.#session * CALLS_APART\n',
    to: '',
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
  {
    name: 'frames are held for ever where a delay has no end',
    source: 'faulty: bounded',
    file: 'packages/transport/src/faulty/link.ts',
    from: ' && maxDelayMs <= MOST_DELAY_MS)',
    to: ')',
  },
  {
    name: 'one peer that hangs takes the room of all',
    source: 'Rpc: maxInFlightPerPeer',
    file: ROOM,
    from: ' || taken >= this.#limits.maxInFlightPerPeer',
    to: '',
  },
  {
    name: 'who waits for room is let in whether there is any',
    source: 'Rpc: bounded',
    file: ROOM,
    from: 'if (waiter.admitted.settled || !this.take(waiter.peer)) continue',
    to: 'if (waiter.admitted.settled) continue',
  },
  {
    name: 'one whose time is over takes room',
    source: 'Rpc: no room is lost',
    file: ROOM,
    from: 'if (waiter.admitted.settled || !this.take(waiter.peer)) continue',
    to: 'if (!this.take(waiter.peer)) continue',
  },
  {
    name: 'any number of calls may wait for room',
    source: 'Rpc: all is bounded',
    file: ROOM,
    from: 'return this.#waiting.size < this.#limits.maxWaiting',
    to: 'return this.#waiting.size >= 0',
  },
  {
    name: 'the room of a call is never given back',
    source: 'Rpc: no table entry is left behind',
    file: RPC,
    from: `    } finally {
      this.#room.leave(to.id)
    }`,
    to: `    } finally {
      if (to.id === '') this.#room.leave(to.id)
    }`,
  },
  {
    name: 'who gives up as its turn comes keeps the room',
    source: 'Rpc: no room is lost',
    file: RPC,
    from: `      this.#room.leave(to.id)
      throw error`,
    to: '      throw error',
  },
  {
    name: 'waiting for room does not count against the deadline',
    source: 'Rpc: every call ends by its deadline',
    file: RPC,
    from: 'return leftMs\n',
    to: 'return timeoutMs\n',
  },
  {
    name: 'the trace ends at the peer',
    source: 'W3C Trace Context',
    file: SERVER,
    from: 'deadlineMs, ...decodeTrace(extensions) }',
    to: 'deadlineMs }',
  },
  {
    name: 'an extension that is not known ends the reading',
    source: 'Rpc: later versions can say more',
    file: TRACE,
    from: 'if (name !== undefined) found',
    to: 'if (name === undefined) break\n    found',
  },
  {
    name: 'a request that comes again after its end runs again',
    source: 'Rpc: a request runs at most once',
    file: SERVER,
    from: 'if (this.#running.has(key) || this.#ended.has(key)) return',
    to: 'if (this.#running.has(key)) return',
  },
  {
    name: 'an answer that was lost is told as not applied',
    source: 'Rpc: the outcome is true',
    file: 'packages/transport/src/rpc/errors.ts',
    from: `      code: 'DSYS_RPC_TIMEOUT',
      retryable: true,
      outcome: 'unknown',`,
    to: `      code: 'DSYS_RPC_TIMEOUT',
      retryable: true,
      outcome: 'not-applied',`,
  },
]

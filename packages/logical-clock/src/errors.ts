import { DsysError } from '@dsys/runtime'

/** Bytes are no clock that this release can read (`DSYS_CLOCK_FORMAT`). Nothing was made of them. */
export class ClockFormatError extends DsysError {
  constructor(what: string, why: string) {
    super(`this is no ${what}: ${why}`, {
      code: 'DSYS_CLOCK_FORMAT',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Pass the bytes as they were encoded, whole. Bytes of a later format need a later release; from a client, ask it to read again.',
    })
  }
}

/** A clock is over a limit (`DSYS_CLOCK_TOO_LARGE`): it was neither written nor read. */
export class ClockTooLargeError extends DsysError {
  readonly limit: 'maxActors' | 'maxSiblings'
  readonly found: number
  readonly allowed: number

  constructor(limit: 'maxActors' | 'maxSiblings', found: number, allowed: number) {
    super(`a clock has ${found} ${limit === 'maxActors' ? 'actors' : 'siblings'}, more than ${limit} = ${allowed}`, {
      code: 'DSYS_CLOCK_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Actors are replicas, never clients. Have writers pass the context of what they have read; prune actors that are gone for good.',
    })
    this.limit = limit
    this.found = found
    this.allowed = allowed
  }
}

/**
 * Somebody knows a dot of this actor that the replica itself does not (`DSYS_CLOCK_ACTOR_FORGOT`): its memory is older than what it has
 * answered, or two processes are one actor. Nothing was written.
 */
export class ActorForgotError extends DsysError {
  readonly actor: string
  /** The largest counter that the replica knows that it gave. */
  readonly given: number
  /** The counter that somebody knows. */
  readonly known: number

  constructor(actor: string, given: number, known: number) {
    super(`the actor ${JSON.stringify(actor)} knows of ${given} dots of its own here, and somebody else of ${known}`, {
      code: 'DSYS_CLOCK_ACTOR_FORGOT',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Go on as a new actor (actorId with a number never used before), and find out why the disk is older than what was answered.',
    })
    this.actor = actor
    this.given = given
    this.known = known
  }
}

/** An actor has no counters left (`DSYS_CLOCK_COUNTER_EXHAUSTED`): it has reached 2^53 - 1. Nothing was written. */
export class CounterExhaustedError extends DsysError {
  readonly actor: string

  constructor(actor: string) {
    super(`the actor ${JSON.stringify(actor)} has given its last dot, ${Number.MAX_SAFE_INTEGER}`, {
      code: 'DSYS_CLOCK_COUNTER_EXHAUSTED',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Nobody writes that often: a context or a floor is wrong. Go on as a new actor, and find out where the number came from.',
    })
    this.actor = actor
  }
}

/** A remote time lies too far ahead of the wall clock here (`DSYS_CLOCK_REMOTE_AHEAD`). Nothing was taken from it. */
export class RemoteAheadError extends DsysError {
  readonly remoteMs: number
  readonly wallMs: number
  readonly maxOffsetMs: number

  constructor(remoteMs: number, wallMs: number, maxOffsetMs: number) {
    super(`a remote clock is ${remoteMs - wallMs} ms ahead of the wall clock here, more than ${maxOffsetMs} ms`, {
      code: 'DSYS_CLOCK_REMOTE_AHEAD',
      retryable: true,
      outcome: 'not-applied',
      hint: 'One of the two wall clocks is wrong: see to it that both are synchronized. Where all remote clocks seem ahead, it is the one here.',
    })
    this.remoteMs = remoteMs
    this.wallMs = wallMs
    this.maxOffsetMs = maxOffsetMs
  }
}

/** This clock is too far ahead of its own wall clock (`DSYS_CLOCK_AHEAD`). No time was given. */
export class ClockAheadError extends DsysError {
  readonly ms: number
  readonly wallMs: number
  readonly maxOffsetMs: number

  constructor(ms: number, wallMs: number, maxOffsetMs: number) {
    super(`the next time would be ${ms - wallMs} ms ahead of the wall clock, more than ${maxOffsetMs} ms`, {
      code: 'DSYS_CLOCK_AHEAD',
      retryable: true,
      outcome: 'not-applied',
      hint: 'The wall clock was set back, or was wrong when it was ahead. Wait until it has caught up; after a restart, until it has reached the durable bound.',
    })
    this.ms = ms
    this.wallMs = wallMs
    this.maxOffsetMs = maxOffsetMs
  }
}

/** The next time is not reserved (`DSYS_CLOCK_NOT_RESERVED`). No time was given. */
export class BoundNotReservedError extends DsysError {
  readonly ms: number
  readonly boundMs: number

  constructor(ms: number, boundMs: number) {
    super(`the next time, ${ms} ms, is not below the bound that was reserved, ${boundMs} ms`, {
      code: 'DSYS_CLOCK_NOT_RESERVED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Make what reservation() gives durable, call reserved() with it, and try again. Where it comes often, the disk is slower than reserveMs.',
    })
    this.ms = ms
    this.boundMs = boundMs
  }
}

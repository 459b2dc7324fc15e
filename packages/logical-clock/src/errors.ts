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

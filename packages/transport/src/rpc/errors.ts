import { DsysError } from '@dsys/runtime'
import type { Destination, PeerAddress } from '../port.ts'
import type { Failure } from './codec.ts'

const name = (to: Destination): string => JSON.stringify(to.id)

/** No answer came in time (`DSYS_RPC_TIMEOUT`). The request may have run, or may still run. */
export class RpcTimeoutError extends DsysError {
  constructor(to: Destination, method: string, timeoutMs: number) {
    super(`no answer from ${name(to)} to "${method}" within ${timeoutMs} ms`, {
      code: 'DSYS_RPC_TIMEOUT',
      retryable: true,
      outcome: 'unknown',
      hint: 'Find out whether it took effect before you repeat something that must happen once.',
    })
  }
}

/** Too many calls at once, here or there (`DSYS_RPC_OVERLOADED`). The request did not run. */
export class RpcOverloadedError extends DsysError {
  readonly side: 'local' | 'remote'

  constructor(side: 'local' | 'remote', to: Destination, method: string) {
    const who = side === 'local' ? 'this node has' : `${name(to)} has`
    super(`${who} too many requests under way to take "${method}"`, {
      code: 'DSYS_RPC_OVERLOADED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Try again a little later, or send less at once.',
    })
    this.side = side
  }
}

/** The transport reports that the request met nobody (`DSYS_RPC_PEER_ABSENT`). The request did not run. */
export class RpcPeerAbsentError extends DsysError {
  readonly peer: Destination

  constructor(peer: Destination, method: string) {
    super(`nobody was there to take "${method}" at ${name(peer)}`, {
      code: 'DSYS_RPC_PEER_ABSENT',
      retryable: true,
      outcome: 'not-applied',
      hint: 'The node is down, not started yet, or of another generation. Try again, or ask another node.',
    })
    this.peer = peer
  }
}

/** The request was dropped before it left (`DSYS_RPC_NOT_SENT`): no connection, or the queue is full. It did not run. */
export class RpcNotSentError extends DsysError {
  constructor(to: Destination, method: string) {
    super(`"${method}" for ${name(to)} could not leave this node`, {
      code: 'DSYS_RPC_NOT_SENT',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Look at the connection of the transport: it is down, or slower than what is sent.',
    })
  }
}

/** The peer has no handler for the method (`DSYS_RPC_UNKNOWN_METHOD`). The request did not run. */
export class RpcUnknownMethodError extends DsysError {
  constructor(to: Destination, method: string) {
    super(`${name(to)} has no handler for "${method}"`, {
      code: 'DSYS_RPC_UNKNOWN_METHOD',
      retryable: false,
      outcome: 'not-applied',
      hint: 'The peer runs another version, or has not set this handler yet.',
    })
  }
}

/** The caller stopped its Rpc while the call was under way (`DSYS_RPC_STOPPED`). */
export class RpcStoppedError extends DsysError {
  constructor(to: Destination, method: string) {
    super(`stopped while "${method}" at ${name(to)} was under way`, {
      code: 'DSYS_RPC_STOPPED',
      retryable: false,
      outcome: 'unknown',
      hint: 'The request may have run. Await the calls before you stop the node.',
    })
  }
}

/** The handler at the peer failed. Code, message, hint, retryable and outcome are those of its error. */
export class RpcRemoteError extends DsysError {
  readonly from: PeerAddress

  constructor(from: PeerAddress, failure: Failure) {
    const { code, message, hint, retryable, outcome } = failure
    super(message, { code, hint, retryable, outcome })
    this.from = from
  }
}

/** What the caller sees of a handler that failed with an error that is no contract (`DSYS_RPC_HANDLER_FAILED`). */
const HANDLER_FAILED: Failure = Object.freeze({
  code: 'DSYS_RPC_HANDLER_FAILED',
  message: 'the handler of the request failed',
  hint: 'The log of the peer has the error itself.',
  retryable: false,
  outcome: 'unknown',
})

/** Turns what a handler threw into what goes over the wire: only an error that is made for it tells its message. */
export function toFailure(error: unknown): { readonly failure: Failure; readonly expected: boolean } {
  const candidate = error as Partial<DsysError> | null | undefined
  const isContract =
    error instanceof Error &&
    typeof candidate?.code === 'string' &&
    typeof candidate.retryable === 'boolean' &&
    (candidate.outcome === 'applied' || candidate.outcome === 'not-applied' || candidate.outcome === 'unknown')
  if (!isContract) return { failure: HANDLER_FAILED, expected: false }
  const { code, message, retryable, outcome, hint = '' } = error as DsysError
  return { failure: { code, message, retryable, outcome, hint }, expected: true }
}

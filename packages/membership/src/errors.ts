import { DsysError } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import type { QueryFailure } from './core/query-message.ts'
import type { IdConflict } from './events.ts'

/** Metadata, roles, capabilities and tags of a node are together over the limit (`DSYS_MEMBERSHIP_METADATA_TOO_LARGE`). Nothing was changed. */
export class MetadataTooLargeError extends DsysError {
  readonly metadataBytes: number
  readonly maxMetadataBytes: number

  constructor(metadataBytes: number, maxMetadataBytes: number) {
    super(
      `metadata, roles, capabilities and tags of ${metadataBytes} bytes are over the limit of ${maxMetadataBytes}`,
      {
        code: 'DSYS_MEMBERSHIP_METADATA_TOO_LARGE',
        retryable: false,
        outcome: 'not-applied',
        hint: 'They ride on every piece of news about a node: keep addresses, zones and names in them, and put the rest elsewhere.',
      },
    )
    this.metadataBytes = metadataBytes
    this.maxMetadataBytes = maxMetadataBytes
  }
}

/** The transport takes only small frames (`DSYS_MEMBERSHIP_FRAME_TOO_SMALL`). The membership was not started. */
export class TransportFrameTooSmallError extends DsysError {
  constructor(maxFrameBytes: number, neededBytes: number) {
    super(`the transport takes frames of ${maxFrameBytes} bytes; membership needs ${neededBytes}`, {
      code: 'DSYS_MEMBERSHIP_FRAME_TOO_SMALL',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Raise the limit of the transport (with NATS: max_payload of the server).',
    })
  }
}

/**
 * Two processes run with one id (`DSYS_MEMBERSHIP_ID_CONFLICT`). It is not thrown, since both may be far away: it is in the log of each node
 * that notices, beside the event `MemberConflict` and in `status()`. All goes on, with one of them as the member.
 */
export class IdConflictError extends DsysError {
  readonly conflict: IdConflict

  constructor(conflict: IdConflict) {
    super(`two processes run with the id ${JSON.stringify(conflict.id)}: ${conflict.how}`, {
      code: 'DSYS_MEMBERSHIP_ID_CONFLICT',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Stop one of the processes, or give it an id of its own. Ids must be unique in a cluster, and a generation must grow with each start.',
    })
    this.conflict = conflict
  }
}

/** The payload of a broadcast is over the limit (`DSYS_MEMBERSHIP_BROADCAST_TOO_LARGE`). Nobody was told. */
export class BroadcastTooLargeError extends DsysError {
  readonly payloadBytes: number
  readonly maxPayloadBytes: number

  constructor(payloadBytes: number, maxPayloadBytes: number) {
    super(`the payload of the broadcast has ${payloadBytes} bytes; at most ${maxPayloadBytes} are allowed`, {
      code: 'DSYS_MEMBERSHIP_BROADCAST_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Every member passes a broadcast on many times: send the key of what is large, and let those who want it fetch it.',
    })
    this.payloadBytes = payloadBytes
    this.maxPayloadBytes = maxPayloadBytes
  }
}

/** This node has too many broadcasts under way (`DSYS_MEMBERSHIP_BROADCAST_OVERLOADED`). Nobody was told of this one. */
export class BroadcastOverloadedError extends DsysError {
  constructor(topic: string) {
    super(`too many broadcasts of this node are under way to take another one of ${JSON.stringify(topic)}`, {
      code: 'DSYS_MEMBERSHIP_BROADCAST_OVERLOADED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Try again after a second or two, or put what changed together into one broadcast. While this node has no connection, all of them wait.',
    })
  }
}

/** The payload of a query is over the limit (`DSYS_MEMBERSHIP_QUERY_TOO_LARGE`). Nobody was asked. */
export class QueryTooLargeError extends DsysError {
  readonly payloadBytes: number
  readonly maxPayloadBytes: number

  constructor(payloadBytes: number, maxPayloadBytes: number) {
    super(`the payload of the query has ${payloadBytes} bytes; at most ${maxPayloadBytes} are allowed`, {
      code: 'DSYS_MEMBERSHIP_QUERY_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Ask for little by a query, and move what is large by calls of your own (Rpc of @dsys/transport).',
    })
    this.payloadBytes = payloadBytes
    this.maxPayloadBytes = maxPayloadBytes
  }
}

/** This node has too many queries under way (`DSYS_MEMBERSHIP_QUERY_OVERLOADED`). Nobody was asked. */
export class QueryOverloadedError extends DsysError {
  constructor(name: string, maxQueries: number) {
    super(`${maxQueries} queries of this node are under way, and ${JSON.stringify(name)} would be one too many`, {
      code: 'DSYS_MEMBERSHIP_QUERY_OVERLOADED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Await the summaries of earlier queries, or end them by their signals.',
    })
  }
}

/** A member got a query and could not answer it. Code, message, hint, retryable and outcome are those of its error. */
export class QueryAnswerError extends DsysError {
  readonly from: PeerAddress

  constructor(from: PeerAddress, { code, message, hint, retryable, outcome }: QueryFailure) {
    super(message, { code, hint, retryable, outcome })
    this.from = from
  }
}

/** What is kept of the last decision between sides is not one (`DSYS_MEMBERSHIP_SURVIVAL_RECORD_INVALID`). Nothing was changed. */
export class SurvivalRecordError extends DsysError {
  readonly key: string

  constructor(key: string) {
    super(`the value of ${JSON.stringify(key)} is no decision of who goes on`, {
      code: 'DSYS_MEMBERSHIP_SURVIVAL_RECORD_INVALID',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Something else writes this key, or another release did: give the lease a key of its own, and delete the value while nobody is lost.',
    })
    this.key = key
  }
}

import type { Codec } from '@dsys/runtime'
import { ByteReader, MalformedError } from './bytes.ts'
import { BatchResults, batchCodec, countOf, type Recorded } from './recorded.ts'
import { readResults, tableParts } from './result-parts.ts'

/** Clients that are remembered; one more forgets the one that was used least lately. The same on every node. */
export const MAX_CLIENTS = 4_096
/** Results that are kept for one client; one more gives up that of the lowest sequence. The same on every node. */
export const MAX_CLIENT_RESULTS = 128
/** How many these are together, as a batch has one for each of its commands; those of the newest batch are kept however many they are. The same on every node. */
export const MAX_CLIENT_BATCH_RESULTS = 65_536

/** What the table knows of a command of a client before it is applied. */
export type ClientLookup<Result> =
  | { readonly type: 'new' }
  /** It was applied before: with this result. */
  | { readonly type: 'applied'; readonly result: Recorded<Result> }
  /** Results of this sequence and those below are not kept any more, so nobody can say whether it was applied before. */
  | { readonly type: 'result-forgotten' }
  /** The client is not known (any more), so nobody can say whether it was applied before. */
  | { readonly type: 'client-forgotten' }

interface Client<Result> {
  /** The state of the table that it belongs to: what belongs to an earlier one is frozen, and is copied before it changes. */
  readonly epoch: number
  /** Nothing at or below this sequence is applied any more. */
  forgottenThrough: number
  readonly results: Map<number, Recorded<Result>>
}

/**
 * What the clients of a group have done, each by its own numbers, so that a command that comes again, at whatever time and by way of
 * whatever node, is answered with its first result (dissertation §6.3). Part of the replicated state: it depends on the log alone.
 */
export class ClientTable<Result> {
  /** In the order of last use along the log: the first is the next to be forgotten. */
  readonly #clients = new Map<string, Client<Result>>()
  #epoch = 0

  get size(): number {
    return this.#clients.size
  }

  /** Takes a new client in. Its id must never have been one before. */
  open(id: string): void {
    if (this.#clients.size >= MAX_CLIENTS) {
      const oldest = this.#clients.keys().next()
      if (!oldest.done) this.#clients.delete(oldest.value)
    }
    this.#clients.set(id, { epoch: this.#epoch, forgottenThrough: 0, results: new Map() })
  }

  lookup(id: string, sequence: number): ClientLookup<Result> {
    const client = this.#clients.get(id)
    if (client === undefined) return { type: 'client-forgotten' }
    if (client.results.has(sequence))
      return { type: 'applied', result: client.results.get(sequence) as Recorded<Result> }
    return sequence <= client.forgottenThrough ? { type: 'result-forgotten' } : { type: 'new' }
  }

  /** Notes the use of a client, and that it wants no result up to `seenThrough` any more. */
  touch(id: string, seenThrough: number): void {
    const client = this.#own(id)
    if (client === undefined) return
    this.#clients.delete(id)
    this.#clients.set(id, client)
    if (seenThrough <= client.forgottenThrough) return
    client.forgottenThrough = seenThrough
    for (const sequence of client.results.keys()) if (sequence <= seenThrough) client.results.delete(sequence)
  }

  record(id: string, sequence: number, result: Recorded<Result>): void {
    const client = this.#own(id)
    if (client === undefined) return
    const { results } = client
    results.set(sequence, result)
    let count = 0
    if (result instanceof BatchResults) for (const each of results.values()) count += countOf(each)
    while (results.size > MAX_CLIENT_RESULTS || (count > MAX_CLIENT_BATCH_RESULTS && results.size > 1)) {
      const lowest = Math.min(...results.keys())
      count -= countOf(results.get(lowest))
      results.delete(lowest)
      client.forgottenThrough = Math.max(client.forgottenThrough, lowest)
    }
  }

  /** The client for a change: a copy where it is frozen. */
  #own(id: string): Client<Result> | undefined {
    const client = this.#clients.get(id)
    if (client === undefined || client.epoch === this.#epoch) return client
    const copy = { ...client, epoch: this.#epoch, results: new Map(client.results) }
    this.#clients.set(id, copy)
    return copy
  }

  /** The clients as they are now, in parts that are encoded one by one while the table goes on changing. */
  freeze(codec: Codec<Result>): FrozenClients {
    this.#epoch++
    const { singles, batches } = tableParts([...this.#clients], codec, (writer, id, { forgottenThrough }) => {
      writer.text(id).u53(forgottenThrough)
    })
    return { clients: singles, clientBatches: batches }
  }

  /** Adds what one of the parts has that {@link ClientTable.freeze} gave; they must come in order. Throws MalformedError. */
  addPart(part: Uint8Array, codec: Codec<Result>): void {
    this.#addPart(part, codec)
  }

  /** The same for a part of the results of batches, behind those of the clients. */
  addBatchPart(part: Uint8Array, codec: Codec<Result>): void {
    this.#addPart(part, batchCodec(codec))
  }

  #addPart(part: Uint8Array, codec: Codec<Result> | Codec<BatchResults<Result>>): void {
    for (const reader = new ByteReader(part); !reader.done; ) {
      const id = Buffer.from(reader.bytes()).toString('utf8')
      const forgottenThrough = reader.u53()
      const client = this.#clients.get(id) ?? { epoch: this.#epoch, forgottenThrough, results: new Map() }
      for (const [sequence, result] of readResults<Recorded<Result>>(reader, codec))
        client.results.set(sequence, result)
      this.#clients.set(id, client)
      if (this.size > MAX_CLIENTS) throw new MalformedError(`there are more than ${MAX_CLIENTS} clients`)
    }
  }

  /** Reads clients as snapshots of version 1 have them, into an empty table. Throws MalformedError. */
  restore(reader: ByteReader, codec: Codec<Result>): void {
    const count = reader.u32()
    if (count > MAX_CLIENTS) throw new MalformedError(`${count} clients are more than ${MAX_CLIENTS}`)
    for (let i = 0; i < count; i++) {
      const id = Buffer.from(reader.bytes()).toString('utf8')
      const forgottenThrough = reader.u53()
      this.#clients.set(id, { epoch: 0, forgottenThrough, results: new Map(readResults(reader, codec)) })
    }
  }
}

/** A table as it was at one moment, in parts: the clients with the results of single commands, then those of batches. */
export interface FrozenClients {
  readonly clients: Iterable<Uint8Array>
  readonly clientBatches: Iterable<Uint8Array>
}

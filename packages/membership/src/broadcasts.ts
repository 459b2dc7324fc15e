import { EventHub, type SubscribeOptions } from '@dsys/runtime'
import { MAX_BROADCAST_BYTES, MAX_TTL_MS } from './core/user-news.ts'
import { BroadcastTooLargeError } from './errors.ts'
import type { Broadcast, BroadcastOptions } from './user-messages.ts'
import { checkName, checkPayload } from './user-names.ts'

const DEFAULT_TTL_MS = 30_000
/** Gossip needs some rounds, whatever the size of the cluster. */
const SHORTEST_TTL_MS = 1_000

/** Gives the broadcasts of the application to those who subscribe to their topics. */
export class Broadcasts {
  readonly #hubs = new Map<string, EventHub<Broadcast>>()
  #closed = false

  subscribe(topic: string, options: SubscribeOptions): AsyncIterableIterator<Broadcast, undefined> {
    checkName('topic', topic)
    for (const [other, hub] of this.#hubs) if (hub.size === 0) this.#hubs.delete(other)
    const hub = this.#hubs.get(topic) ?? new EventHub<Broadcast>()
    this.#hubs.set(topic, hub)
    const stream = hub.subscribe(options)
    if (this.#closed) hub.close()
    return stream
  }

  deliver(broadcast: Broadcast): void {
    this.#hubs.get(broadcast.topic)?.publish(broadcast)
  }

  close(): void {
    this.#closed = true
    for (const hub of this.#hubs.values()) hub.close()
    this.#hubs.clear()
  }
}

/** Checks all of a broadcast, and fills in its defaults. Throws TypeError, RangeError or {@link BroadcastTooLargeError}. */
export function checkBroadcast(
  topic: string,
  payload: Uint8Array,
  options: BroadcastOptions,
): Required<BroadcastOptions> {
  checkName('topic', topic)
  checkPayload(payload)
  const { ttlMs = DEFAULT_TTL_MS } = options
  if (!(ttlMs >= SHORTEST_TTL_MS && ttlMs <= MAX_TTL_MS))
    throw new RangeError(`ttlMs must be from ${SHORTEST_TTL_MS} to ${MAX_TTL_MS} milliseconds, got ${ttlMs}`)
  if (payload.length > MAX_BROADCAST_BYTES) throw new BroadcastTooLargeError(payload.length, MAX_BROADCAST_BYTES)
  return { ttlMs }
}

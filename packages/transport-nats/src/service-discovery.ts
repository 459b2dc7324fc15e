import type { PeerAddress } from '@dsys/transport'
import type { Inbound } from './inbound.ts'
import { toIsoTime } from './iso-time.ts'
import type { ServiceDiscoveryOptions } from './options.ts'
import { toToken } from './subjects.ts'

/** What a {@link ServiceDiscovery} tells of. */
export interface DiscoveredNode {
  readonly cluster: string
  readonly self: PeerAddress
  readonly inbound: readonly Inbound[]
  /** When this life of the node began, in milliseconds since the Unix epoch. */
  readonly startedMs: number
}

/** The version of the subjects, which nodes must share to reach each other. */
const SUBJECTS_VERSION = '1'
const NANOS_PER_MS = 1e6

/**
 * What the node answers to the discovery of NATS micro-services, so that `nats micro list`, `info` and `stats` show it: all
 * nodes of a cluster are one service, and every node is an instance of it.
 */
export class ServiceDiscovery {
  readonly #identity: Readonly<Record<string, unknown>>
  readonly #description: string
  readonly #node: DiscoveredNode
  readonly #answers: ReadonlyMap<string, () => object>

  constructor(node: DiscoveredNode, { version = '0.0.0', description, metadata }: ServiceDiscoveryOptions) {
    const { cluster, self } = node
    // A name takes letters, digits, "_" and "-" alone, without the "=" of a token.
    const name = `dsys-${toToken(cluster).replace('=', '')}`
    const id = `${toToken(self.id)}-${self.generation}`
    this.#node = node
    this.#description = description ?? `node of the dsys cluster ${cluster}`
    this.#identity = {
      name,
      id,
      version,
      metadata: {
        ...metadata,
        cluster,
        node: self.id,
        generation: String(self.generation),
        subjects_version: SUBJECTS_VERSION,
      },
    }
    const verbs = { PING: () => this.#ping(), INFO: () => this.#info(), STATS: () => this.#stats() }
    const subjectsOf = (verb: string): string[] => [
      `$SRV.${verb}`,
      `$SRV.${verb}.${name}`,
      `$SRV.${verb}.${name}.${id}`,
    ]
    this.#answers = new Map(
      Object.entries(verbs).flatMap(([verb, answer]) => subjectsOf(verb).map((subject) => [subject, answer] as const)),
    )
  }

  /** What is asked on. */
  get subjects(): readonly string[] {
    return [...this.#answers.keys()]
  }

  /** The answer to a question on one of these subjects. */
  answer(subject: string): Uint8Array {
    return new TextEncoder().encode(JSON.stringify(this.#answers.get(subject)?.() ?? {}))
  }

  #ping(): object {
    return { ...this.#identity, type: 'io.nats.micro.v1.ping_response' }
  }

  #info(): object {
    return {
      ...this.#identity,
      type: 'io.nats.micro.v1.info_response',
      description: this.#description,
      endpoints: this.#node.inbound.map(({ name, subject, lane }) => ({
        name,
        subject,
        queue_group: '',
        metadata: { lane },
      })),
    }
  }

  #stats(): object {
    return {
      ...this.#identity,
      type: 'io.nats.micro.v1.stats_response',
      started: toIsoTime(this.#node.startedMs),
      endpoints: this.#node.inbound.map(({ name, subject, frames, bytes, busyMs, refused, lastRefusal }) => ({
        name,
        subject,
        queue_group: '',
        num_requests: frames + refused,
        num_errors: refused,
        last_error: lastRefusal,
        processing_time: Math.floor(busyMs * NANOS_PER_MS),
        average_processing_time: frames === 0 ? 0 : Math.floor((busyMs * NANOS_PER_MS) / (frames + refused)),
        data: { bytes },
      })),
    }
  }
}

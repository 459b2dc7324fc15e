import type { LinearizableKeyspace } from '@dsys/kv'
import { HistoryRecorder, type RecordedCall } from '@dsys/linearizability'
import { DsysError } from '@dsys/runtime'
import type { Scheduler, Trace } from '@dsys/simulation'
import type { KvService } from './kv-program.ts'
import { targetOf } from './member-changes.ts'
import type { KvOperation } from './operations.ts'
import { PersistentClient } from './persistent-client.ts'
import type { Replicas } from './replicas.ts'
import type { Verdict } from './verdict.ts'

/** What the clients work with. */
export interface ClientsParts {
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly verdict: Verdict
  readonly replicas: Replicas
  readonly count: (what: string) => void
  readonly ids: readonly string[]
  readonly service: (id: string) => KvService | undefined
  readonly callTimeoutMs: number
  readonly valueBytes: number
}

type Keyspace = LinearizableKeyspace<string>
type Input = { readonly op: string; readonly value?: string; readonly revision?: number }
type Output = { readonly revision?: number; readonly actual?: unknown; readonly value?: string } | null

/** How a call ended. */
type Outcome = 'ok' | 'fail' | 'unknown'

/** One of the clients: makes one call at a time, and is another client after a call whose outcome it does not know. */
interface Lane {
  readonly number: number
  readonly operations: readonly KvOperation[]
  next: number
  life: number
  /** The one that puts exactly once. */
  readonly persistent: PersistentClient
}

/** Clients that use the nodes in turns, and write down what they saw. */
export class Clients {
  readonly recorder: HistoryRecorder
  /** Every key that was in use. */
  readonly keys: Set<string> = new Set()
  readonly #parts: ClientsParts
  readonly #lanes: Lane[] = []
  /** The last revision of each key that anybody was told: what conditions are made of. */
  readonly #seen = new Map<string, number>()
  /** What each life has shown of each key without asking anybody. */
  readonly #stale = new Map<string, number>()
  #highestAcknowledged = 0
  #acknowledged = 0
  #open = 0
  /** Gives up a change of the members that somebody waits for. */
  readonly #changes = new Set<() => void>()

  constructor(parts: ClientsParts) {
    this.#parts = parts
    this.recorder = new HistoryRecorder({ nowMs: () => parts.scheduler.nowMs })
  }

  /** Changes that clients were told of. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Calls that have not ended. */
  get open(): number {
    return this.#open
  }

  start(operations: readonly KvOperation[]): void {
    const byClient = new Map<number, KvOperation[]>()
    for (const operation of operations) {
      const own = byClient.get(operation.client) ?? []
      byClient.set(operation.client, own)
      own.push(operation)
    }
    for (const [number, own] of byClient) {
      const lane: Lane = { number, operations: own, next: 0, life: 1, persistent: this.#persistent() }
      this.#lanes.push(lane)
      this.#wait(lane)
    }
  }

  /** No call that has not begun is made any more. */
  stop(): void {
    for (const lane of this.#lanes) {
      lane.next = lane.operations.length
      lane.persistent.stop()
    }
    // A change of the members that somebody waits for is asked for again, also after the end of all faults.
    for (const giveUp of this.#changes) giveUp()
  }

  /** One more read of `key` through `node`, at the end of everything; `done` is told whether it was answered. */
  readLast(key: string, node: string, number: number, done: (answered: boolean) => void): void {
    const service = this.#parts.service(node)
    const operation = { atMs: 0, client: 0, node: 0, verb: 'get', key, number: -number, abortAfterMs: 0 } as const
    if (service === undefined) done(false)
    else this.#call(service, operation, `last-${number}`, (how) => done(how === 'ok'))
  }

  #wait(lane: Lane): void {
    const operation = lane.operations[lane.next]
    if (operation === undefined) return
    this.#parts.scheduler.at(operation.atMs, () => {
      if (lane.operations[lane.next] !== operation) return
      lane.next++
      this.#begin(lane, operation)
    })
  }

  #begin(lane: Lane, operation: KvOperation): void {
    const service = this.#serviceFor(operation.node)
    if (service === undefined) {
      this.#parts.count('client.nobody')
      this.#wait(lane)
      return
    }
    this.#parts.count(`verb.${operation.verb}`)
    if (operation.verb === 'stale') this.#readStale(service, operation)
    else if (operation.verb === 'transfer') this.#transfer(operation)
    else if (operation.verb === 'reconfigure') this.#reconfigure(service, operation)
    else if (operation.verb === 'once') {
      this.#once(lane, operation)
      return
    } else {
      this.#call(service, operation, `c${lane.number}-${lane.life}`, (how) => {
        if (how === 'unknown') lane.life++
        this.#wait(lane)
      })
      return
    }
    this.#wait(lane)
  }

  /** The node that is asked for, or the next one that runs. */
  #serviceFor(node: number): KvService | undefined {
    const { ids, service } = this.#parts
    for (let i = 0; i < ids.length; i++) {
      const found = service(ids[(node + i) % ids.length] as string)
      if (found !== undefined) return found
    }
    return undefined
  }

  #persistent(): PersistentClient {
    const { scheduler, count, callTimeoutMs: timeoutMs } = this.#parts
    return new PersistentClient({ scheduler, count, timeoutMs, service: (node) => this.#serviceFor(node) })
  }

  /** A put that is tried again through crashes and changes of leader, until it is known what became of it. */
  #once(lane: Lane, operation: KvOperation): void {
    const { key, number, node } = operation
    const { scheduler, valueBytes } = this.#parts
    this.keys.add(key)
    const input = { op: 'put', value: `v${number}` }
    const recorded = this.recorder.invoke(`c${lane.number}-${lane.life}`, key, input)
    const call = { recorded, operation, input, floor: this.#highestAcknowledged, node: '' }
    this.#open++
    this.#note('', 'call.once', number)
    const value = Buffer.from(input.value.padEnd(valueBytes))
    lane.persistent.propose({ op: 'put', keyspace: 'default', key, value }, node, (how, result) => {
      this.#open--
      this.#finish(call, how, result?.changed ? { revision: result.revision } : undefined)
      if (how === 'unknown') lane.life++
      scheduler.after(0, () => this.#wait(lane))
    })
  }

  /** One call that goes into the history. `done` is told once how it ended. */
  #call(service: KvService, operation: KvOperation, client: string, done: (how: Outcome) => void): void {
    const { life } = service
    const { key, verb, number } = operation
    this.keys.add(key)
    const input = this.#inputOf(operation)
    const recorded = this.recorder.invoke(client, key, input)
    const floor = this.#highestAcknowledged
    this.#open++
    this.#note(life.id, `call.${verb}`, number)
    let ended = false
    const end = (how: Outcome, output?: Output): void => {
      if (ended) return
      ended = true
      this.#open--
      this.#finish({ recorded, operation, input, floor, node: life.id }, how, output)
      // Not at once: whoever crashes a node must not find a client that goes on inside of that.
      this.#parts.scheduler.after(0, () => done(how))
    }
    life.onEnd(() => end('unknown'))
    const abort = new AbortController()
    const signal = operation.abortAfterMs === 0 ? undefined : abort.signal
    if (signal !== undefined) {
      const give = (): void => life.process.input(() => abort.abort(new DOMException('given up', 'AbortError')))
      this.#parts.scheduler.after(operation.abortAfterMs, give)
    }
    life.process.input(() => {
      this.#perform(service.keyspace, operation, input, signal).then(
        (output) => {
          if (life.alive) end('ok', output)
        },
        (error: unknown) => {
          if (life.alive) end(this.#outcomeOf(operation, error))
        },
      )
    })
  }

  #inputOf({ verb, number, key }: KvOperation): Input {
    const value = `v${number}`
    const revision = this.#seen.get(key) ?? 1
    if (verb === 'get' || verb === 'delete') return { op: verb }
    if (verb === 'delete-if') return { op: 'delete', revision }
    return verb === 'update' ? { op: verb, value, revision } : { op: verb, value }
  }

  async #perform(keyspace: Keyspace, operation: KvOperation, input: Input, signal?: AbortSignal): Promise<Output> {
    const { key } = operation
    const { callTimeoutMs: timeoutMs, valueBytes } = this.#parts
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
    const { value = '', revision = 1 } = input
    const padded = value.padEnd(valueBytes)
    switch (operation.verb) {
      case 'put':
        return await keyspace.put(key, padded, options)
      case 'create':
        return plain(await keyspace.create(key, padded, options))
      case 'update':
        return plain(await keyspace.update(key, padded, { ...options, revision }))
      case 'delete':
        return plain(await keyspace.delete(key, options))
      case 'delete-if':
        return plain(await keyspace.delete(key, { ...options, revision }))
      default:
        return trimmed(await keyspace.get(key, options)) as Output
    }
  }

  #outcomeOf({ verb, number }: KvOperation, error: unknown): 'fail' | 'unknown' {
    const { count, verdict } = this.#parts
    if (error instanceof DsysError) {
      count(`client.${error.code}`)
      return verb === 'get' || error.outcome === 'not-applied' ? 'fail' : 'unknown'
    }
    const isAbort = error instanceof DOMException && error.name === 'AbortError'
    verdict.keep(isAbort, 'errors', () => `operation ${number} (${verb}) failed with ${String(error)}`)
    count('client.abort')
    return verb === 'get' ? 'fail' : 'unknown'
  }

  #finish(call: Called, how: Outcome, output: Output | undefined): void {
    const { recorded, operation, node } = call
    this.#parts.count(`client.${how}`)
    this.#note(node, how, operation.number, output?.revision ?? 0)
    if (how === 'fail') recorded.fail()
    else if (how === 'unknown') recorded.unknown()
    else {
      recorded.ok(output)
      this.#learn(call, output ?? null)
    }
  }

  /** What a successful call shows, and what must be true of it whatever all others did. */
  #learn({ operation, input, floor }: Called, output: Output): void {
    const { verdict, replicas } = this.#parts
    const { key, verb } = operation
    const found = output !== null && 'actual' in output ? (output.actual as Output) : output
    if (found?.revision !== undefined) this.#seen.set(key, found.revision)
    if (verb === 'get' || output === null || 'actual' in output || output.revision === undefined) return
    const { revision } = output
    this.#parts.count(`acknowledged.${input.op}`)
    this.#acknowledged++
    this.#highestAcknowledged = Math.max(this.#highestAcknowledged, revision)
    verdict.keep(revision > floor, 'revisions grow', () => {
      return `operation ${operation.number} has the revision ${revision}, and was called when ${floor} had been acknowledged`
    })
    const made = replicas.changeOf(revision)
    const wanted = input.op === 'delete' ? `${key} is gone` : `${key}=${input.value}`
    verdict.keep(made === wanted, 'acknowledged changes', () => {
      return `operation ${operation.number} (${wanted}) was told the revision ${revision}, which is that of ${made}`
    })
  }

  /** What a node has, without asking anybody: old perhaps, but never older than before. */
  #readStale({ keyspace, life }: KvService, { key, number }: KvOperation): void {
    const { verdict, replicas, count } = this.#parts
    const place = `${life.id}#${life.generation} ${key}`
    life.process.input(() => {
      void keyspace.get(key, { consistency: 'stale' }).then((entry) => {
        if (!life.alive) return
        count('client.stale')
        const found = entry as { readonly value: string; readonly revision: number } | undefined
        this.#note(life.id, 'stale', number, found?.revision ?? 0)
        if (found === undefined) return
        const made = replicas.changeOf(found.revision)
        const wanted = `${key}=${found.value.trim()}`
        verdict.keep(
          made === wanted,
          'stale reads',
          () => `${life.id} shows ${wanted} at ${found.revision}, which is ${made}`,
        )
        const before = this.#stale.get(place) ?? 0
        this.#stale.set(place, found.revision)
        verdict.keep(found.revision >= before, 'stale reads', () => {
          return `${life.id} shows ${key} at ${found.revision}, and has shown ${before} before`
        })
      })
    })
  }

  #transfer({ number }: KvOperation): void {
    const { ids, service, count, verdict, callTimeoutMs } = this.#parts
    for (const id of ids) {
      const found = service(id)
      if (found === undefined || found.raft.status().role !== 'leader') continue
      this.#note(id, 'transfer', number)
      found.life.process.input(() => {
        found.raft.transferLeadership({ timeoutMs: callTimeoutMs }).then(
          () => count('transfer.done'),
          (error: unknown) => {
            count('transfer.failed')
            verdict.keep(error instanceof DsysError, 'errors', () => `a transfer failed with ${String(error)}`)
          },
        )
      })
      return
    }
  }

  /** A change of the members, as the node sees them through which it is asked for. What it says is done is what was wanted. */
  #reconfigure({ raft, life }: KvService, { key, node, number, abortAfterMs }: KvOperation): void {
    const { ids, count, verdict, callTimeoutMs, scheduler } = this.#parts
    const { voters, learners, leader } = raft.status()
    const target = targetOf(key, ids[node % ids.length] as string, { voters, learners, leader })
    if (target === undefined || voters.length === 0) return
    this.#note(life.id, 'reconfigure', number)
    // Half of them mind that nobody else has changed the group meanwhile.
    const expected = number % 2 === 0 ? { expected: { voters, learners } } : {}
    const abort = new AbortController()
    const giveUp = (): void => life.process.input(() => abort.abort())
    if (abortAfterMs > 0) scheduler.after(abortAfterMs, giveUp)
    this.#changes.add(giveUp)
    life.process.input(() => {
      raft.reconfigure(target, { ...expected, timeoutMs: 2 * callTimeoutMs, signal: abort.signal }).then(
        (members) => {
          this.#changes.delete(giveUp)
          if (!life.alive) return
          count('reconfigure.done')
          const same = sameIds(members.voters, target.voters) && sameIds(members.learners, target.learners)
          verdict.keep(same, 'members', () => `${life.id} brings about ${JSON.stringify(members)}, not what was wanted`)
        },
        (error: unknown) => {
          this.#changes.delete(giveUp)
          if (!life.alive) return
          const known = error instanceof DsysError || abort.signal.aborted
          count(`reconfigure.${error instanceof DsysError ? error.code : 'aborted'}`)
          verdict.keep(known, 'errors', () => `a change of the members failed with ${String(error)}`)
        },
      )
    })
  }

  #note(node: string, what: string, a: number, b = 0): void {
    this.#parts.trace.add(this.#parts.scheduler.nowMs, node, what, '', a, b)
  }
}

const sameIds = (a: readonly string[], b: readonly string[]): boolean => `${[...a].sort()}` === `${[...b].sort()}`

interface Called {
  readonly recorded: RecordedCall
  readonly operation: KvOperation
  readonly input: Input
  /** The highest revision that was acknowledged when it was called. */
  readonly floor: number
  readonly node: string
}

/** A result as the history has it: an entry that is not there is `null`. */
function plain(result: object): Output {
  if (!('actual' in result)) return result as Output
  return { ...result, actual: trimmed(result.actual as Entry | undefined) } as Output
}

type Entry = { readonly value: string; readonly revision: number; readonly createRevision: number }

function trimmed(entry: Entry | undefined): Entry | null {
  return entry === undefined ? null : { ...entry, value: entry.value.trim() }
}

/** What became of one write, as its client knows it. */
export type WriteOutcome = 'acknowledged' | 'refused' | 'unknown'

interface ErrorBody {
  readonly outcome?: string
}

/** Options of {@link WriteStream}. */
export interface WriteStreamOptions {
  /** The URLs to write to, asked for anew with each write. */
  readonly urls: () => readonly string[]
  readonly writers?: number
  /**
   * How a client behaves that may repeat an idempotent request: a connection that is refused, or ends before an answer, is
   * tried again at the next node.
   */
  readonly retryConnections?: boolean
  readonly keyPrefix?: string
  /** How long the cluster may take for one write. Default: what the node says. */
  readonly timeoutMs?: number
}

/**
 * Clients that write key after key, each its own value, as fast as they are answered, and keep book: what was acknowledged
 * must be there later, what was refused must not.
 */
export class WriteStream {
  readonly outcomes = new Map<string, WriteOutcome>()
  /** Answers with a status of 500 or more, and connections that broke when no retry was allowed. */
  readonly failures: string[] = []
  readonly #options: WriteStreamOptions
  readonly #writers: Promise<void>[]
  #stopped = false

  constructor(options: WriteStreamOptions) {
    this.#options = options
    this.#writers = Array.from({ length: options.writers ?? 4 }, (_, i) => this.#write(i))
  }

  get acknowledged(): number {
    let count = 0
    for (const outcome of this.outcomes.values()) if (outcome === 'acknowledged') count += 1
    return count
  }

  /** Resolves once every write under way has been answered. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#writers)
  }

  async #write(writer: number): Promise<void> {
    const { keyPrefix = 'stream' } = this.#options
    for (let i = 0; !this.#stopped; i++) {
      const key = `${keyPrefix}-${writer}-${i}`
      this.outcomes.set(key, await this.#put(key, writer + i))
    }
  }

  async #put(key: string, turn: number): Promise<WriteOutcome> {
    const { timeoutMs } = this.#options
    const query = timeoutMs === undefined ? '' : `?timeoutMs=${timeoutMs}`
    for (let attempt = 0; ; attempt++) {
      const urls = this.#options.urls()
      const url = `${urls[(turn + attempt) % urls.length]}/v1/kv/default/${key}${query}`
      let response: Response
      try {
        response = await fetch(url, { method: 'PUT', body: expectedValue(key) })
      } catch (error) {
        if (this.#options.retryConnections === true && attempt < 20) continue
        this.failures.push(`${key}: ${String(error)}`)
        return 'unknown'
      }
      const text = await response.text()
      if (response.ok) return 'acknowledged'
      this.failures.push(`${key}: ${response.status} ${text}`)
      return (JSON.parse(text) as ErrorBody).outcome === 'not-applied' ? 'refused' : 'unknown'
    }
  }
}

export const expectedValue = (key: string): string => `the value of ${key}`

/** Reads every written key through the nodes in turn. Returns what is wrong, in words. */
export async function auditWrites(stream: WriteStream, urls: readonly string[]): Promise<string[]> {
  const wrong: string[] = []
  const keys = [...stream.outcomes]
  const audit = async (worker: number): Promise<void> => {
    for (let i = worker; i < keys.length; i += AUDITORS) {
      const [key, outcome] = keys[i] as [string, WriteOutcome]
      const response = await fetch(`${urls[i % urls.length]}/v1/kv/default/${key}`)
      const text = await response.text()
      if (response.ok && text !== expectedValue(key)) wrong.push(`${key} has another value: ${text}`)
      else if (outcome === 'acknowledged' && !response.ok)
        wrong.push(`${key} was acknowledged, and reading it gives ${response.status}`)
      else if (outcome === 'refused' && response.ok) wrong.push(`${key} was refused, and is there`)
      else if (!response.ok && response.status !== 404) wrong.push(`reading ${key} gives ${response.status}: ${text}`)
    }
  }
  await Promise.all(Array.from({ length: AUDITORS }, (_, worker) => audit(worker)))
  return wrong
}

const AUDITORS = 8

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@dsys/runtime'

/** What a node process says once it listens and takes part. */
export interface Started {
  readonly type: 'started'
  readonly id: string
  readonly http: string
  readonly generation: number
  readonly pid: number
}

/** What a node process says when it cannot start. */
export interface Failed {
  readonly type: 'failed'
  readonly why: string
}

/** How a node process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a {@link NodeProcess} runs. */
export interface NodeProcessOptions {
  readonly id: string
  /** Folder of this node; its log lines go to `node.log` in it. */
  readonly directory: string
  /** Flags of main.js, beside `--id` and `--data`. */
  readonly flags: readonly string[]
  /** Default: those of this process. */
  readonly env?: NodeJS.ProcessEnv
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** `word` as a POSIX shell takes it for one word. */
const forShell = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** One node as a process of the operating system. It ends by itself when this process is gone. */
export class NodeProcess {
  readonly id: string
  readonly logFile: string
  /** What starts this node in a shell, without its environment. */
  readonly command: string
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #started: Started | undefined
  readonly #whenStarted: Promise<Started>

  constructor(options: NodeProcessOptions) {
    const { id, directory, flags } = options
    mkdirSync(directory, { recursive: true })
    this.id = id
    this.logFile = join(directory, 'node.log')
    const log = openSync(this.logFile, 'a')
    // A process group of its own: Ctrl-C in a terminal reaches the launcher alone, which stops the nodes in order.
    const args = [MAIN, '--id', id, '--data', directory, ...flags]
    this.command = [process.execPath, ...args].map(forShell).join(' ')
    this.#child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', log, 'ipc'],
      detached: process.platform !== 'win32',
      env: options.env ?? process.env,
    })
    closeSync(log)
    this.ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve({ code: null, signal: null }))
      this.#child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    this.#whenStarted = new Promise((resolve, reject) => {
      let why: string | undefined
      this.#child.on('message', (message: Started | Failed) => {
        if (message.type === 'failed') {
          ;({ why } = message)
        } else {
          this.#started = message
          resolve(message)
        }
      })
      void this.ended.then((how) => reject(new NodeEndedError(id, why ?? describeEnd(how), this.logFile, how.signal)))
    })
    // Not everybody waits for the start; the end is told by `ended` as well.
    this.#whenStarted.catch(() => undefined)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What the process said at its start; `undefined` before. */
  get started(): Started | undefined {
    return this.#started
  }

  /** Resolves once the node listens; rejects with {@link NodeEndedError} when it ends before. */
  whenStarted(): Promise<Started> {
    return this.#whenStarted
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends the process as a crash would. */
  kill(): Promise<Ended> {
    this.signal('SIGKILL')
    return this.ended
  }

  /** Ends the process gently, and after `timeoutMs` by force. */
  async stop(timeoutMs: number): Promise<Ended> {
    if (!this.running) return this.ended
    this.signal('SIGTERM')
    const deadline = systemClock.setTimer(timeoutMs, () => this.signal('SIGKILL'))
    const how = await this.ended
    deadline.cancel()
    return how
  }
}

/** A node process ended before it had started. */
export class NodeEndedError extends Error {
  /** What ended it, where that was a signal. */
  readonly signal: NodeJS.Signals | null

  constructor(id: string, why: string, logFile: string, signal: NodeJS.Signals | null) {
    super(`node ${id} could not start: ${why} (its log is ${logFile})`)
    this.name = 'NodeEndedError'
    this.signal = signal
  }
}

export function describeEnd({ code, signal }: Ended): string {
  return signal === null ? `exit code ${code}` : signal
}

import { Program } from './processes.mjs'

/** Longer than any command takes. */
const ANSWER_TIMEOUT_MS = 120_000

/** A program that takes one command a line, and answers each with one line of JSON, in order. */
export class Worker {
  #program
  #text = ''
  /** @type {{ resolve: (answer: any) => void, reject: (error: Error) => void }[]} */
  #waiting = []

  /**
   * @param {string} name for messages
   * @param {readonly [string, ...string[]]} command
   * @param {{ logFile: string, env?: NodeJS.ProcessEnv }} options
   */
  constructor(name, command, options) {
    this.#program = new Program(name, command, { ...options, onOutput: (text) => this.#take(text) })
    const over = () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new WorkerEndedError(this.#program))
    }
    this.#program.ended.then(over, over)
  }

  get pid() {
    return this.#program.pid
  }

  get isRunning() {
    return this.#program.isRunning
  }

  /**
   * Rejects when the program does not answer, with a {@link WorkerEndedError} when it ends before.
   *
   * @param {string} command
   * @returns {Promise<any>}
   */
  async ask(command) {
    if (!this.isRunning) throw new WorkerEndedError(this.#program)
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    try {
      return await new Promise((resolve, reject) => {
        const late = () => new Error(`${this.#program.name} did not answer "${command}" within ${ANSWER_TIMEOUT_MS} ms`)
        timer = setTimeout(() => reject(late()), ANSWER_TIMEOUT_MS)
        this.#waiting.push({ resolve, reject })
        this.#program.write(`${command}\n`)
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends it as a crash would. */
  kill() {
    return this.#program.kill()
  }

  stop() {
    return this.#program.stop()
  }

  /** @param {string} text */
  #take(text) {
    this.#text += text
    for (let end = this.#text.indexOf('\n'); end !== -1; end = this.#text.indexOf('\n')) {
      const answer = JSON.parse(this.#text.slice(0, end))
      this.#text = this.#text.slice(end + 1)
      this.#waiting.shift()?.resolve(answer)
    }
  }
}

/** A worker ended while it was to do something, killed by the bench or of itself. */
export class WorkerEndedError extends Error {
  /** @param {Program} program */
  constructor(program) {
    super(`${program.name} has ended; ${program.lastWords}`)
  }
}

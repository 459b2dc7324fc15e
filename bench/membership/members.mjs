import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts, Program } from '../processes.mjs'

const PROGRAM = fileURLToPath(new URL('member.mjs', import.meta.url))

/**
 * What one member was told of one life of another.
 *
 * @typedef {object} News
 * @property {'MemberUp' | 'MemberUpdated' | 'MemberSuspected' | 'MemberDown' | 'MemberLeft' | 'MemberConflict'} type
 * @property {string} id
 * @property {number} generation
 * @property {string} why
 * @property {number} atMs on the clock of `nowMs`
 */

/** On the clock that the processes of one machine share. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6

/** A member that runs as a process of its own. */
export class MemberProcess {
  #program
  #text = ''

  /** @param {string} id @param {number} generation @param {string} wire @param {string} folder */
  constructor(id, generation, wire, folder) {
    this.id = id
    this.generation = generation
    /** @type {News[]} What this process was told, in order. */
    this.news = []
    const name = `member ${id}`
    this.#program = new Program(name, [process.execPath, PROGRAM, id, String(generation), wire], {
      logFile: join(folder, `${id}.log`),
      onOutput: (text) => this.#take(text),
    })
  }

  get lastWords() {
    return this.#program.lastWords
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#program.signal(signal)
  }

  /** Ends it as a crash would. */
  kill() {
    return this.#program.kill()
  }

  /**
   * What it knows of `id`, by the news.
   *
   * @param {string} id
   * @returns {{ state: 'alive' | 'suspect' | 'gone', generation: number }}
   */
  view(id) {
    const last = this.news.findLast((one) => one.id === id && one.type !== 'MemberConflict')
    const generation = last?.generation ?? 0
    if (last === undefined || last.type === 'MemberDown' || last.type === 'MemberLeft')
      return { state: 'gone', generation }
    return { state: last.type === 'MemberSuspected' ? 'suspect' : 'alive', generation }
  }

  /** @param {string} text */
  #take(text) {
    this.#text += text
    for (let end = this.#text.indexOf('\n'); end !== -1; end = this.#text.indexOf('\n')) {
      this.news.push(JSON.parse(this.#text.slice(0, end)))
      this.#text = this.#text.slice(end + 1)
    }
  }
}

/** Members `n1`, `n2` and so on at default settings, each a process of its own. */
export class MemberProcesses {
  /** @type {MemberProcess[]} Of each member the process that runs, or ran last. */
  members
  #wire
  #folder

  /** @param {number} count @param {string} wire @param {string} folder */
  constructor(count, wire, folder) {
    this.#wire = wire
    this.#folder = folder
    this.members = Array.from({ length: count }, (_, i) => new MemberProcess(`n${i + 1}`, 1, wire, folder))
  }

  /**
   * @param {number} count
   * @param {string} folder for what they log
   */
  static async overTcp(count, folder) {
    const ports = await freePorts(count)
    const wire = `tcp:${ports.map((port, i) => `n${i + 1}=127.0.0.1:${port}`).join(',')}`
    return new MemberProcesses(count, wire, folder)
  }

  /** @param {MemberProcess} of @returns {MemberProcess[]} */
  othersOf(of) {
    return this.members.filter((member) => member !== of)
  }

  /** Whether all see all alive, in their present lives. */
  agree() {
    return this.members.every(({ id, generation }) =>
      this.members.every((observer) => {
        const view = observer.view(id)
        return view.state === 'alive' && view.generation === generation
      }),
    )
  }

  /** Starts the next life of a member that was killed. @param {MemberProcess} dead */
  restart(dead) {
    const member = new MemberProcess(dead.id, dead.generation + 1, this.#wire, this.#folder)
    this.members = this.members.map((each) => (each === dead ? member : each))
    return member
  }

  /** What all of them logged last, for messages. */
  get lastWords() {
    return this.members.map(({ id, lastWords }) => `--- ${id}: ${lastWords}`).join('\n')
  }

  async kill() {
    await Promise.all(this.members.map((member) => member.kill()))
  }
}

import { SeededRandom, type TimerHandle, VirtualClock } from '@dsys/runtime'
import type { Session } from '../src/commands/session.ts'
import { loadScenarios, scenarioNamed } from '../src/load-scenarios.ts'

/** The file of the scenarios that fail on demand. */
export const TINY: string = new URL('./fixtures/tiny-scenarios.mjs', import.meta.url).pathname

/** A clock on which each turn takes a millisecond. */
class ClockOfTurns extends VirtualClock {
  override afterIo(callback: () => void): TimerHandle {
    return this.setTimer(1, callback)
  }
}

/** A session that keeps what was said. */
export class SessionDouble implements Session {
  readonly clock: VirtualClock = new ClockOfTurns()
  readonly random: SeededRandom = new SeededRandom(1)
  readonly said: string[] = []
  readonly screen: Session['screen'] = { isTty: false, columns: 80, write: (text) => void this.said.push(text) }
  readonly #interruptAfterMs: number | undefined

  /** @param interruptAfterMs how long after a command has begun to listen for it comes Ctrl-C; default: never. */
  constructor(interruptAfterMs?: number) {
    this.#interruptAfterMs = interruptAfterMs
  }

  readonly say: Session['say'] = (line) => void this.said.push(line)

  readonly onInterrupt: Session['onInterrupt'] = (action) => {
    if (this.#interruptAfterMs === undefined) return () => undefined
    const timer = this.clock.setTimer(this.#interruptAfterMs, action)
    return () => timer.cancel()
  }

  /** In this thread, and a turn of the clock each. */
  readonly runs: Session['runs'] = ({ module }) => ({
    run: async (plan, options) => {
      await new Promise<void>((resolve) => void this.clock.afterIo(resolve))
      return await scenarioNamed(await loadScenarios(module), plan.scenario).run(plan, options)
    },
    giveUp: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  })

  get text(): string {
    return this.said.join('\n')
  }
}

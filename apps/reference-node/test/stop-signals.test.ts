import { describe, expect, test } from 'vitest'
import { type StopSignal, StopSignals } from '../src/launcher/stop-signals.ts'

function counted(): { signals: StopSignals; first: StopSignal[]; seconds: () => number } {
  const first: StopSignal[] = []
  let seconds = 0
  const signals = new StopSignals({
    onFirst: (signal) => void first.push(signal),
    onSecond: () => {
      seconds++
    },
  })
  return { signals, first, seconds: () => seconds }
}

const diedOf = (signal: NodeJS.Signals | null): Error => Object.assign(new Error('it ended'), { signal })

describe('signals that stop the launcher', () => {
  test('the first stops gently, each further one at once', () => {
    const { signals, first, seconds } = counted()
    signals.received('SIGINT')
    expect([first, seconds()]).toEqual([['SIGINT'], 0])
    signals.received('SIGTERM')
    expect([first, seconds()]).toEqual([['SIGINT'], 1])
  })

  test('a child that died of Ctrl-C tells of it before it comes here, and then it does not count twice', () => {
    const { signals, first, seconds } = counted()
    expect(signals.toldBy(diedOf('SIGINT'))).toBe(true)
    expect(first).toEqual(['SIGINT'])
    signals.received('SIGINT')
    expect([first, seconds()]).toEqual([['SIGINT'], 0])
    signals.received('SIGINT')
    expect(seconds()).toBe(1)
  })

  test('a child that died of it afterwards tells nothing new', () => {
    const { signals, first, seconds } = counted()
    signals.received('SIGINT')
    expect(signals.toldBy(diedOf('SIGINT'))).toBe(true)
    expect([first, seconds()]).toEqual([['SIGINT'], 0])
    signals.received('SIGINT')
    expect(seconds()).toBe(1)
  })

  test('any other end of a child is a failure', () => {
    const { signals, first } = counted()
    for (const error of [diedOf(null), diedOf('SIGKILL'), diedOf('SIGSEGV'), new Error('no'), undefined])
      expect(signals.toldBy(error)).toBe(false)
    expect(first).toEqual([])
  })
})

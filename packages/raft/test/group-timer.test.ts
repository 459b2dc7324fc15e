import type { TimerHandle } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { GroupTimer } from '../src/group-timer.ts'

const HEARTBEAT_MS = 100

/** A timer of a group on a clock that is set by hand; with all that it said was due. */
class Bench {
  nowMs = 1_000
  waits = true
  readonly due: (readonly [nowMs: number, lateMs: number])[] = []
  readonly timer: GroupTimer
  #timers: { readonly dueMs: number; readonly call: () => void }[] = []
  #afterIo: (() => void)[] = []

  constructor() {
    this.timer = new GroupTimer({
      clock: {
        monotonicMs: () => this.nowMs,
        wallMs: () => expect.unreachable('the wall clock was read'),
        setTimer: (delayMs, call) => this.#plan(this.#timers, { dueMs: this.nowMs + delayMs, call }),
        afterIo: (call) => this.#plan(this.#afterIo, call),
      },
      heartbeatIntervalMs: HEARTBEAT_MS,
      waitsWhenLate: () => this.waits,
      due: (nowMs, lateMs) => void this.due.push([nowMs, lateMs]),
    })
  }

  #plan<T>(list: T[], one: T): TimerHandle {
    list.push(one)
    return { cancel: () => void (list.includes(one) && list.splice(list.indexOf(one), 1)) }
  }

  /** When the timers that are set ring. */
  get planned(): number[] {
    return this.#timers.map(({ dueMs }) => dueMs)
  }

  /** The process runs at `nowMs`, and not before: timers first, then what has arrived, then what waits for that. */
  runAt(nowMs: number, arrived: () => void = () => undefined): void {
    this.nowMs = nowMs
    const ringing = this.#timers.filter(({ dueMs }) => dueMs <= nowMs)
    this.#timers = this.#timers.filter(({ dueMs }) => dueMs > nowMs)
    for (const { call } of ringing) call()
    arrived()
    for (const call of this.#afterIo.splice(0)) call()
  }
}

test('it rings when it is due, after what has arrived was read', () => {
  const bench = new Bench()
  bench.timer.set(1_050, 1_000)
  bench.runAt(1_049)
  expect(bench.due).toEqual([])
  bench.runAt(1_050, () => expect(bench.due).toEqual([]))
  expect(bench.due).toEqual([[1_050, 0]])
  expect(bench.timer.paused(2_000)).toBeUndefined()
})

test('one that is set already and rings sooner does; one that rings later gives way', () => {
  const bench = new Bench()
  bench.timer.set(1_200, 1_000)
  bench.timer.set(1_300, 1_000)
  bench.timer.set(Number.POSITIVE_INFINITY, 1_000)
  expect(bench.planned).toEqual([1_200])
  bench.timer.set(1_100, 1_000)
  expect(bench.planned).toEqual([1_100])
  bench.runAt(1_100)
  bench.timer.set(Number.POSITIVE_INFINITY, 1_100)
  expect(bench.planned).toEqual([])
})

test('after a block it judges nobody before what came meanwhile had a heartbeat of time to be read', () => {
  const bench = new Bench()
  bench.timer.set(1_050, 1_000)
  bench.runAt(6_050)
  expect(bench.due).toEqual([])
  expect(bench.timer.paused(6_060)).toEqual({ agoMs: 10, forMs: 5_000 })
  // Whatever is set meanwhile does not end the wait.
  bench.timer.set(6_060, 6_050)
  expect(bench.planned).toEqual([6_150])
  bench.runAt(6_150)
  expect(bench.due).toEqual([[6_150, 5_100]])
  // The wait is no pause of its own, and the next time is as any other.
  expect(bench.timer.paused(6_150)).toEqual({ agoMs: 100, forMs: 5_000 })
  bench.timer.set(6_200, 6_150)
  bench.runAt(6_200)
  expect(bench.due.at(-1)).toEqual([6_200, 0])
  // Nor is the next block.
  bench.timer.set(6_300, 6_200)
  bench.runAt(9_000)
  expect(bench.due).toHaveLength(2)
  bench.runAt(9_100)
  expect(bench.due.at(-1)).toEqual([9_100, 2_800])
})

test('a leader does not wait, as its followers do: it says how long it stood still', () => {
  const bench = new Bench()
  bench.waits = false
  bench.timer.set(1_050, 1_000)
  bench.runAt(1_151)
  expect(bench.due).toEqual([[1_151, 101]])
  expect(bench.timer.paused(1_151)).toEqual({ agoMs: 0, forMs: 101 })
})

test('no more than a heartbeat late is the jitter of timers', () => {
  const bench = new Bench()
  bench.timer.set(1_050, 1_000)
  bench.runAt(1_150)
  expect(bench.due).toEqual([[1_150, 0]])
  expect(bench.timer.paused(1_150)).toBeUndefined()
})

test('once it has ended, nothing rings: not what was set, and not what has rung and waits for what had arrived', () => {
  const bench = new Bench()
  bench.timer.set(1_050, 1_000)
  bench.timer.end()
  expect(bench.planned).toEqual([])
  const other = new Bench()
  other.timer.set(1_050, 1_000)
  other.runAt(1_050, () => other.timer.end())
  expect(other.due).toEqual([])
})

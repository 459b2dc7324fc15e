import { describe, expect, test } from 'vitest'
import { type Stage, StageTimes } from '../src/stage-times.ts'

function measured(): { times: StageTimes; taken: [Stage, number][] } {
  const taken: [Stage, number][] = []
  return { times: new StageTimes((stage, durationMs) => void taken.push([stage, durationMs])), taken }
}

describe('the way of batches through the stages', () => {
  test('is measured once for each batch and stage, whatever the order of the stages', () => {
    const { times, taken } = measured()
    times.appended(3, 100)
    times.appended(3, 105)
    times.appended(9, 110)
    // The others were faster than the own disk.
    times.reached('committed', 5, 120)
    times.reached('durable', 9, 150)
    times.reached('applied', 5, 160)
    times.reached('committed', 9, 170)
    times.reached('applied', 9, 180)
    expect(taken).toEqual([
      ['committed', 20],
      ['durable', 50],
      ['durable', 40],
      ['applied', 60],
      ['committed', 60],
      ['applied', 70],
    ])
  })

  test('begins anew with a leadership: what was in the log is not followed', () => {
    const { times, taken } = measured()
    times.appended(3, 100)
    times.reset(7)
    times.reached('durable', 7, 200)
    times.appended(7, 200)
    times.appended(8, 210)
    times.reached('durable', 8, 230)
    expect(taken).toEqual([['durable', 20]])
  })

  test('goes on without end while something is always under way', () => {
    const { times, taken } = measured()
    for (let i = 1; i <= 10_000; i++) {
      times.appended(i, i)
      times.reached('durable', i, i)
      times.reached('committed', i - 1, i)
      times.reached('applied', i - 1, i)
    }
    expect(taken.filter(([stage]) => stage === 'applied')).toHaveLength(9_999)
  })

  test('is bounded where nothing comes back', () => {
    const { times, taken } = measured()
    for (let i = 1; i <= 10_000; i++) times.appended(i, i)
    times.reached('durable', 10_000, 10_000)
    expect(taken).toHaveLength(1_024)
  })
})

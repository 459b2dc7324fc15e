import { expect, test } from 'vitest'
import { FrameBudget } from '../src/index.ts'

const budget = () => new FrameBudget({ maxQueuedFrames: 3, maxQueuedBytes: 100 })

test('takes up to both limits, and not one frame or byte more', () => {
  const frames = budget()
  expect([frames.take(3, 0), frames.take(1, 0)]).toEqual([true, false])
  const bytes = budget()
  expect([bytes.take(1, 100), bytes.take(1, 0), bytes.take(0, 1)]).toEqual([true, true, false])
})

test('what it refuses takes no room', () => {
  const room = budget()
  expect([room.take(1, 101), room.take(4, 1), room.take(3, 100)]).toEqual([false, false, true])
})

test('asking takes no room', () => {
  const room = budget()
  expect([room.hasRoom(3, 100), room.hasRoom(4, 0), room.hasRoom(0, 101)]).toEqual([true, false, false])
  expect(room.take(3, 100)).toBe(true)
  expect(room.hasRoom(1, 0)).toBe(false)
})

test('what is given back can be taken again', () => {
  const room = budget()
  room.take(3, 100)
  room.giveBack(1, 40)
  expect([room.take(1, 41), room.take(1, 40), room.take(1, 0)]).toEqual([false, true, false])
})

test('throws when more is given back than was taken', () => {
  const room = budget()
  room.take(1, 10)
  room.giveBack(1, 10)
  expect(() => room.giveBack(1, 0)).toThrow('more frames were given back than were taken')
  const bytes = budget()
  bytes.take(1, 10)
  expect(() => bytes.giveBack(1, 11)).toThrow('more frames were given back than were taken')
})

import { describe, expect, test } from 'vitest'
import { RaftLog } from '../../src/core/log.ts'
import type { Message } from '../../src/core/messages.ts'
import { Outbox } from '../../src/core/outbox.ts'
import { entriesOf } from './support/cluster.ts'

const HARD_STATE = { term: 5, votedFor: undefined }

const word = (round: number): Message => ({ type: 'heartbeat-response', term: 5, round })

function outboxOf(terms: readonly number[]): {
  log: RaftLog
  outbox: Outbox
  write: () => number | undefined
  rounds: () => number[]
} {
  const log = new RaftLog({ index: 0, term: 0 }, entriesOf(terms))
  const outbox = new Outbox(log)
  return {
    log,
    outbox,
    write: () => outbox.takeWrite(log, HARD_STATE, 0)?.id,
    rounds: () => outbox.takeMessages().map(({ message }) => (message as { round: number }).round),
  }
}

describe('Outbox', () => {
  test('what was there at the start is durable, and nothing is written without a change', () => {
    const { outbox, write } = outboxOf([1, 1])
    expect(outbox.durableIndex).toBe(2)
    expect(write()).toBeUndefined()
  })

  test('one turn is one write of term, vote and entries', () => {
    const { log, outbox } = outboxOf([1])
    outbox.hardStateChanged()
    log.append(entriesOf([5, 5], 2))
    expect(outbox.takeWrite(log, HARD_STATE, 0)).toMatchObject({
      hardState: HARD_STATE,
      entries: [{ index: 2 }, { index: 3 }],
    })
    expect(outbox.takeWrite(log, HARD_STATE, 0)).toBeUndefined()
  })

  test('a message leaves when the write that it depends on is durable, and not before', () => {
    const { log, outbox, write, rounds } = outboxOf([1])
    outbox.hardStateChanged()
    outbox.send('n2', word(1), 'hard-state')
    const first = write() as number
    expect(rounds()).toEqual([])
    log.append(entriesOf([5], 2))
    outbox.send('n2', word(2), 'log')
    outbox.send('n2', word(3), 'hard-state')
    outbox.send('n2', word(4), 'nothing')
    const second = write() as number
    expect(rounds()).toEqual([4])
    outbox.durable(first)
    expect(rounds()).toEqual([1, 3])
    outbox.durable(second)
    expect(rounds()).toEqual([2])
  })

  test('a later write that is durable vouches for those before it', () => {
    const { log, outbox, write, rounds } = outboxOf([])
    for (const index of [1, 2]) {
      log.append(entriesOf([1], index))
      outbox.send('n2', word(index), 'log')
      write()
      expect(rounds()).toEqual([])
    }
    outbox.durable(2)
    expect(rounds()).toEqual([1, 2])
    expect(outbox.durableIndex).toBe(2)
    outbox.durable(1)
    expect(outbox.durableIndex).toBe(2)
  })

  test('P-39: the end of a write does not make entries durable that were replaced since', () => {
    const { log, outbox, write } = outboxOf([1])
    log.append(entriesOf([2, 2, 2], 2))
    write()
    log.truncate(3)
    outbox.truncated(3)
    log.append(entriesOf([3, 3, 3], 3))
    write()
    outbox.durable(1)
    expect(outbox.durableIndex).toBe(2)
    outbox.durable(2)
    expect(outbox.durableIndex).toBe(5)
  })

  test('a cut below what is durable takes the durable index back', () => {
    const { log, outbox, write } = outboxOf([1, 1, 1])
    log.truncate(2)
    outbox.truncated(2)
    expect(outbox.durableIndex).toBe(1)
    log.append(entriesOf([2], 2))
    write()
    expect(outbox.durableIndex).toBe(1)
  })

  test('a snapshot vouches for what it covers; a reset forgets the writes under way', () => {
    const { log, outbox, write } = outboxOf([1])
    log.append(entriesOf([1, 1, 1], 2))
    write()
    expect(outbox.handedOver(4)).toBe(true)
    outbox.covered(3)
    expect(outbox.durableIndex).toBe(3)
    outbox.durable(1)
    expect(outbox.durableIndex).toBe(4)
    log.append(entriesOf([1], 5))
    expect(outbox.handedOver(5)).toBe(false)
    write()
    log.reset({ index: 9, term: 2 })
    outbox.reset(9)
    outbox.durable(2)
    expect(outbox.durableIndex).toBe(9)
    log.append(entriesOf([2], 10))
    expect(outbox.takeWrite(log, HARD_STATE, 0)?.entries).toMatchObject([{ index: 10 }])
  })

  test('knows since when its oldest write waits (P-44)', () => {
    const { log, outbox } = outboxOf([])
    expect(outbox.oldestWriteMs).toBeUndefined()
    for (const index of [1, 2]) {
      log.append(entriesOf([1], index))
      outbox.takeWrite(log, HARD_STATE, 10 * index)
    }
    expect(outbox.oldestWriteMs).toBe(10)
    outbox.durable(1)
    expect(outbox.oldestWriteMs).toBe(20)
    outbox.durable(2)
    expect(outbox.oldestWriteMs).toBeUndefined()
  })
})

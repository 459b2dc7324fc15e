import { describe, expect, test } from 'vitest'
import type { Message } from '../../src/core/messages.ts'
import { coreOf, type Driven } from './support/cluster.ts'

const OWN = 11
const KNOWN: Readonly<Record<string, number>> = { n1: OWN, n2: 22, n3: 33 }
const PINS = Object.entries(KNOWN)

/** A leader of term 2 whose peers tell these incarnations with their answers; what it sends is answered until nothing new is sent. */
function leader(told: Readonly<Record<string, number | undefined>>): Driven {
  const node = coreOf(undefined, { incarnation: OWN })
  node.lead('n2', 'n3')
  for (let step = 0; step < 3; step++) for (const id of Object.keys(told)) answer(node, id, told[id])
  return node
}

/** `from` answers that it has the whole log. */
function answer(node: Driven, from: string, incarnation: number | undefined): void {
  node.settle()
  const { term, log } = node.core
  node.core.step(from, { type: 'append-accepted', term, matchIndex: log.lastIndex, round: 0 }, node.nowMs, incarnation)
  node.settle()
}

/** Both peers answer until nothing new is sent, n3 with this incarnation. */
function bothAnswer(node: Driven, n3: number): void {
  for (let step = 0; step < 4; step++) {
    answer(node, 'n2', KNOWN.n2)
    answer(node, 'n3', n3)
  }
}

const pinsOf = (node: Driven): unknown => node.core.configuration.configuration.pins

describe('P-30: a group knows each of its voters by the disk that it had', () => {
  test('from when all have told their number to one leader, and once', () => {
    const node = leader({ n2: KNOWN.n2, n3: KNOWN.n3 })
    expect(pinsOf(node)).toEqual(PINS)
    // The first entry of the term, and that with the numbers.
    expect(node.core.log.lastIndex).toBe(2)
    expect(node.core.commitIndex).toBe(2)
  })

  test('not while one of them is of a version that could not read an entry with numbers', () => {
    const node = leader({ n2: KNOWN.n2, n3: undefined })
    expect(node.core.log.lastIndex).toBe(1)
    expect(pinsOf(node)).toBeUndefined()
    expect(pinsOf(leader({ n2: KNOWN.n2 }))).toBeUndefined()
  })

  test('an answer with another number counts for nothing, neither before there is an entry nor after', () => {
    for (const told of [{ n2: KNOWN.n2 }, { n2: KNOWN.n2, n3: KNOWN.n3 }]) {
      const node = leader(told)
      node.propose(7)
      const before = node.core.commitIndex
      answer(node, 'n2', 99)
      expect(node.core.commitIndex).toBe(before)
      expect(node.core.takeStrangers()).toEqual([['n2', { heard: 99, known: 22 }]])
      expect(node.core.takeStrangers()).toEqual([])
      answer(node, 'n2', KNOWN.n2)
      expect(node.core.commitIndex).toBe(before + 1)
    }
  })

  test('nor does its term: it deposes nobody', () => {
    const node = leader({ n2: KNOWN.n2, n3: KNOWN.n3 })
    const refusal: Message = {
      type: 'vote-response',
      term: 9,
      preVote: false,
      granted: false,
      why: { reason: 'later-term' },
    }
    node.core.step('n2', refusal, node.nowMs, 99)
    expect(node.core.role).toBe('leader')
    node.core.step('n2', refusal, node.nowMs, KNOWN.n2)
    expect(node.core.role).toBe('follower')
  })

  test('its vote makes no leader', () => {
    const { term, log } = leader({ n2: KNOWN.n2, n3: KNOWN.n3 }).core
    const stored = {
      hardState: { term, votedFor: undefined },
      snapshot: undefined,
      entries: log.slice(1, 1e6),
    }
    for (const [incarnation, role] of [
      [99, 'candidate'],
      [KNOWN.n2, 'leader'],
    ] as const) {
      const node = coreOf(stored, { incarnation: OWN, preVote: false })
      node.core.campaign(node.nowMs)
      node.settle()
      node.core.step(
        'n2',
        { type: 'vote-response', term: term + 1, preVote: false, granted: true },
        node.nowMs,
        incarnation,
      )
      expect(node.core.role).toBe(role)
    }
  })

  test('who finds in its own log that the group knows it by another disk asks for no votes and gives none', () => {
    const { term, log } = leader({ n2: KNOWN.n2, n3: KNOWN.n3 }).core
    const stored = {
      hardState: { term, votedFor: undefined },
      snapshot: undefined,
      entries: log.slice(1, 1e6),
    }
    const node = coreOf(stored, { id: 'n2', incarnation: 99 })
    node.pass(10_000)
    expect(node.core.role).toBe('follower')
    node.step('n1', {
      type: 'vote-request',
      term: term + 1,
      preVote: false,
      transfer: false,
      lastIndex: 9,
      lastTerm: term,
    })
    const answers = node.settle().filter(({ to }) => to === 'n1')
    expect(answers).toMatchObject([{ message: { granted: false, why: { reason: 'abstains' } } }])
  })

  test('the number is stored with every vote', () => {
    const node = coreOf(undefined, { incarnation: OWN })
    node.core.campaign(node.nowMs)
    node.effects()
    node.step('n2', { type: 'vote-response', term: 1, preVote: true, granted: true })
    expect(node.effects().write?.hardState).toEqual({ term: 1, votedFor: 'n1', incarnation: OWN })
  })

  test('who was removed and added again is known by its new disk', () => {
    const node = leader({ n2: KNOWN.n2, n3: KNOWN.n3 })
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })
    bothAnswer(node, 33)
    expect(pinsOf(node)).toEqual(PINS.slice(0, 2))
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: [] })
    bothAnswer(node, 99)
    expect(node.members).toBe('n1 n2 n3|||')
    expect(pinsOf(node)).toEqual([...PINS.slice(0, 2), ['n3', 99]])
  })

  test('a late answer of the disk that was replaced does not keep the new one out', () => {
    const node = leader({ n2: KNOWN.n2, n3: KNOWN.n3 })
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })
    bothAnswer(node, 33)
    node.core.takeStrangers()
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: [] })
    const late: Message = { type: 'append-accepted', term: node.core.term, matchIndex: 1, round: 0 }
    node.core.step('n3', late, node.nowMs, 33)
    node.settle()
    bothAnswer(node, 99)
    expect(node.members).toBe('n1 n2 n3|||')
    expect(pinsOf(node)).toEqual([...PINS.slice(0, 2), ['n3', 99]])
    expect(node.core.takeStrangers()).toEqual([])
  })

  test('a witness that is no voter yet is sent no data, on whichever disk it answers', () => {
    const node = leader({ n2: KNOWN.n2, n3: KNOWN.n3 })
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3', 'n4'], learners: [], witnesses: ['n4'] })
    node.settle()
    for (const incarnation of [44, 99]) {
      node.core.step('n4', { type: 'heartbeat-response', term: node.core.term, round: 0 }, node.nowMs, incarnation)
      expect(node.core.progress?.get('n4')).toMatchObject({ witness: true, incarnation })
    }
  })

  test('what a learner has acknowledged with one disk is not taken for what another has', () => {
    const node = leader({ n2: KNOWN.n2 })
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: ['n3'] })
    for (let step = 0; step < 4; step++) {
      answer(node, 'n2', KNOWN.n2)
      answer(node, 'n3', 33)
    }
    const { lastIndex } = node.core.log
    expect(node.core.progress?.get('n3')?.match).toBe(lastIndex)
    answer(node, 'n3', 99)
    expect(node.core.progress?.get('n3')?.match).toBe(0)
    answer(node, 'n3', 99)
    expect(node.core.progress?.get('n3')?.match).toBe(lastIndex)
  })
})

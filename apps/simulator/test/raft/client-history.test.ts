import { describe, expect, test } from 'vitest'
import { ClientHistory } from '../../src/scenarios/raft/client-history.ts'

function setUp() {
  const now = { ms: 0 }
  const notes: string[] = []
  const counts: string[] = []
  const history = new ClientHistory({
    nowMs: () => now.ms,
    planned: 10,
    note: (...note) => void notes.push([now.ms, ...note].join(' ')),
  })
  const at = (ms: number): ClientHistory => {
    now.ms = ms
    return history
  }
  return { at, notes, counts, check: (budget?: number) => at(9_000).check((what) => void counts.push(what), budget) }
}

describe('a history of registers', () => {
  test('that can be explained breaks nothing', () => {
    const { at, check, counts } = setUp()
    const write = at(10).write('n1', 1, 7)
    at(20)
    write?.ok(null)
    const read = at(30).read('n2', 1)
    read?.ok(7)
    expect(check()).toBeUndefined()
    expect(counts).toEqual(['history.linearizable'])
  })

  test('that cannot is broken when that showed, not at the end of the run; and the operation is among what happened', () => {
    const { at, check, notes, counts } = setUp()
    const write = at(10).write('n1', 1, 7)
    at(20)
    write?.ok(null)
    const read = at(30).read('n2', 1)
    at(40)
    read?.ok(0)
    const later = at(50).read('n3', 1)
    later?.ok(7)
    expect(check()).toMatchObject({
      rule: 'linearizable',
      atMs: 40,
      message: expect.stringContaining('called at 30.000 ms, and ended at 40.000 ms'),
    })
    expect(counts).toEqual(['history.not-linearizable'])
    expect(notes).toEqual(expect.arrayContaining(['30 n2 call.read 1 1', '40 n2 ok 1 1']))
  })

  test('that is too tangled to be judged is no history that was judged', () => {
    const { at, check, counts } = setUp()
    const writes = [1, 2, 3].map((value) => at(value).write('n1', 1, value))
    const read = at(4).read('n1', 1)
    for (const write of writes) write?.ok(null)
    at(5)
    read?.ok(2)
    at(6).read('n1', 1)?.ok(3)
    expect(check(1)).toMatchObject({ rule: 'linearizable', message: expect.stringContaining('too tangled') })
    expect(counts).toEqual(['history.undecided'])
  })
})

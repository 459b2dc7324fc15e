import {
  checkLinearizability,
  formatHistory,
  HistoryRecorder,
  parseHistory,
  registerModel,
} from '@dsys/linearizability'
import { describe, expect, test } from 'vitest'

describe('the recorder', () => {
  test('keeps the order in which things happened, over all clients', () => {
    const recorder = new HistoryRecorder()
    const first = recorder.invoke('a', 'x', { op: 'write', value: 1 })
    const second = recorder.invoke('b', 'x', { op: 'read' })
    second.ok(1)
    first.ok()
    recorder.invoke('a', 'y', { op: 'read' }).fail()
    recorder.invoke('b', 'y', { op: 'read' }).unknown()
    expect(recorder.operations).toBe(4)
    expect(recorder.history()).toEqual([
      { type: 'invoke', op: 0, client: 'a', key: 'x', input: { op: 'write', value: 1 } },
      { type: 'invoke', op: 1, client: 'b', key: 'x', input: { op: 'read' } },
      { type: 'ok', op: 1, output: 1 },
      { type: 'ok', op: 0, output: null },
      { type: 'invoke', op: 2, client: 'a', key: 'y', input: { op: 'read' } },
      { type: 'fail', op: 2 },
      { type: 'invoke', op: 3, client: 'b', key: 'y', input: { op: 'read' } },
      { type: 'unknown', op: 3 },
    ])
    expect(checkLinearizability(registerModel(), recorder.history()).verdict).toBe('linearizable')
  })

  test('stamps events with the time that it is given, and asks no other clock', () => {
    let nowMs = 5
    const recorder = new HistoryRecorder({ nowMs: () => nowMs })
    const call = recorder.invoke('a', 'x', { op: 'read' })
    nowMs = 9
    call.ok(null)
    expect(recorder.history().map(({ timeMs }) => timeMs)).toEqual([5, 9])
  })

  test('an operation ends once', () => {
    const recorder = new HistoryRecorder()
    const call = recorder.invoke('a', 'x', { op: 'read' })
    call.ok(1)
    for (const again of [() => call.ok(1), () => call.fail(), () => call.unknown()]) {
      expect(again).toThrow(new TypeError('operation 0 of a has ended already'))
    }
    expect(recorder.history()).toHaveLength(2)
  })

  test('what is changed after the call does not change the history, and a copy is handed out', () => {
    const recorder = new HistoryRecorder()
    const [input, output] = [{ op: 'append', value: [1] }, [{ deep: 1 }]]
    recorder.invoke('a', 'x', input).ok(output)
    input.value.push(2)
    ;(output[0] as { deep: number }).deep = 2
    const events = recorder.history()
    expect(events).toMatchObject([{ input: { value: [1] } }, { output: [{ deep: 1 }] }])
    events.pop()
    expect(recorder.history()).toHaveLength(2)
  })

  test('takes what JSON can carry', () => {
    const recorder = new HistoryRecorder()
    const input = JSON.parse('{"op":"write","value":{"__proto__":1,"minus":-0,"nothing":null}}') as object
    recorder.invoke('a', 'x', { ...input, left: undefined }).ok(undefined)
    const events = recorder.history()
    expect(JSON.stringify(events[0])).toContain('"__proto__":1')
    expect(events[0]).not.toHaveProperty('input.left')
    expect(parseHistory(formatHistory(events)).events).toEqual(events)
  })

  test.each<[string, unknown, string]>([
    ['a function', { op: () => 1 }, 'the input.op is a function'],
    ['a bigint', { op: 'write', value: 1n }, 'the input.value is a bigint'],
    ['not a number', { value: [1, Number.NaN] }, 'the input.value[1] is NaN'],
    ['an instance', { value: new Map() }, 'the input.value is an instance of a class'],
  ])('refuses %s', (_, input, why) => {
    const recorder = new HistoryRecorder()
    expect(() => recorder.invoke('a', 'x', input)).toThrow(TypeError)
    expect(() => recorder.invoke('a', 'x', input)).toThrow(why)
    expect(recorder.history()).toEqual([])
  })

  test('refuses what contains itself, and leaves the operation without an end', () => {
    const recorder = new HistoryRecorder()
    const call = recorder.invoke('a', 'x', { op: 'read' })
    const circle: unknown[] = []
    circle.push(circle)
    expect(() => call.ok(circle)).toThrow('or contains itself')
    call.unknown()
    expect(recorder.history().map(({ type }) => type)).toEqual(['invoke', 'unknown'])
  })
})

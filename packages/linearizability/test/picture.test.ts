import {
  checkLinearizability,
  drawFailure,
  type Failure,
  type HistoryEvent,
  type Json,
  keyValueMapModel,
  type Model,
  registerModel,
} from '@dsys/linearizability'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { layOut, MAX_SHOWN_OPERATIONS } from '../src/picture-layout.ts'
import { around, fail, history, inSequence, never, ok, together, unknown } from './events.ts'
import { histories } from './histories.ts'
import { SPECIFICATIONS } from './specifications.ts'

const write = (client: string, value: Json, key = 'x') => ok(client, { op: 'write', value }, null, key)
const read = (client: string, output: Json, key = 'x') => ok(client, { op: 'read' }, output, key)

function failureOf<State, Input, Output>(model: Model<State, Input, Output>, events: HistoryEvent[]): Failure {
  const { failure } = checkLinearizability(model, events)
  if (failure === undefined) throw new Error('this history should have no order')
  return failure
}

const pageOf = (events: HistoryEvent[]): string => drawFailure(registerModel(), failureOf(registerModel(), events))

describe('the page', () => {
  test('has a bar for each operation, the order as a line, and what has no place in it', () => {
    const page = pageOf(
      history(
        around(
          unknown('c', { op: 'write', value: 3 }),
          ...around(never('d', { op: 'write', value: 4 }), ...inSequence(write('a', 1), fail('a', { op: 'read' }))),
          ...inSequence(read('b', 3), read('b', 1), read('e', 1)),
        ),
      ),
    )
    expect(page).toContain('<h1>The part &quot;x&quot; is not linearizable</h1>')
    expect(page.match(/<g class="placed">/g)).toHaveLength(2)
    expect(page.match(/<g class="unknown">/g)).toHaveLength(2)
    expect(page.match(/<g class="failed">/g)).toHaveLength(1)
    expect(page.match(/<g class="culprit">/g)).toHaveLength(1)
    expect(page).toMatch(/<g class="culprit"><title>operation 5 of b: read → 1\n/)
    // What had returned, and the unknown write that was read.
    expect(page.match(/<circle /g)).toHaveLength(3)
    expect(page).toContain('<td>read → 3</td><td>3</td>')
    expect(page).toContain(
      '<tr class="unplaced"><td></td><td>b</td><td>5</td><td>read → 1</td><td>has no place</td></tr>',
    )
    // The last read is behind the prefix.
    expect(page).not.toContain('<td>e</td>')
  })

  test('is one file that needs nothing from elsewhere and runs nothing', () => {
    const page = pageOf(history(inSequence(write('a', 1), read('b', 2))))
    expect(page).toMatch(/^<!doctype html>\n/)
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\s(?:src|href|on\w+)=|url\(|https?:/i)
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  })

  test('no text of the history is part of its markup', () => {
    const nasty = `</title><script>alert("1")</script>&amp;'`
    const events = history(inSequence(write(`a${nasty}`, nasty, nasty), read(nasty, { [nasty]: nasty }, nasty)))
    const page = pageOf(events)
    expect(page).not.toContain('<script')
    expect(page).not.toContain('&amp;amp;lt;')
    expect(page).toContain('&lt;script&gt;')
    expect(page).toContain('&amp;amp;&#39;')
    expectBalanced(page)
  })

  test('the same failure gives the same page, whatever the history', () => {
    const any = fc
      .constantFrom(...SPECIFICATIONS)
      .chain((specification) => histories(specification, { lies: 20 }).map((events) => ({ specification, events })))
    fc.assert(
      fc.property(any, ({ specification: { model }, events }) => {
        const { failure } = checkLinearizability(model, events)
        if (failure === undefined) return
        const page = drawFailure(model, failure)
        expect(drawFailure(model, failureOf(model, structuredClone(events)))).toBe(page)
        expectBalanced(page)
        expectReadable(failure)
      }),
    )
  })

  test('says so when an operation is needed that failed, and when nothing else has a name', () => {
    const events: HistoryEvent[] = [
      { type: 'invoke', op: 0, client: 'a', key: 'x', input: { op: 'put', value: 1 } },
      { type: 'invoke', op: 1, client: 'b', key: 'x', input: { op: 'get' }, timeMs: 12 },
      { type: 'ok', op: 1, output: { value: 1, revision: 1 }, timeMs: 34 },
      { type: 'fail', op: 0 },
    ]
    const page = drawFailure(keyValueMapModel(), failureOf(keyValueMapModel(), events))
    expect(page).toContain('<h1>The history is not linearizable</h1>')
    expect(page).toContain('<td>is needed above, which failed</td>')
    expect(page).toContain('called at event 2 12 ms\nended at event 3 34 ms')
  })

  test('of a long history it shows the end', () => {
    const writes = Array.from({ length: 300 }, (_, index) => write(`c${index % 3}`, index))
    const failure = failureOf(registerModel(), history(inSequence(...writes, read('r', 0))))
    const page = drawFailure(registerModel(), failure)
    expect(page.match(/<rect /g)).toHaveLength(MAX_SHOWN_OPERATIONS)
    expect(page).toContain('<p>221 more operations are not shown.</p>')
    expect(page).toContain('Its first 200 operations are not listed.')
    expect(page).toContain('<td>300</td>')
    expect(page).toContain('operation 299 of')
    expect(page).not.toContain('operation 200 of')
  })

  test('of a wide history it shows the end first, the names of the clients beside it, and texts above the line', () => {
    const key = 'k'.repeat(300)
    const page = pageOf(history(inSequence(write('a', 1, key), read('b', 2, key))))
    expect(page).toMatch(/\.time \{[^}]*overflow-x: auto;[^}]*direction: rtl/)
    const [clients = '', time = ''] = page.split('<div class="time">')
    expect(clients.match(/<text class="client"/g)).toHaveLength(2)
    expect(time).not.toContain('class="client"')
    expect(time.indexOf('<polyline')).toBeGreaterThan(time.lastIndexOf('<rect'))
    expect(time.indexOf('<polyline')).toBeLessThan(time.indexOf('<text'))
    expect(/<h1>(.*)<\/h1>/.exec(page)?.[1]?.length).toBeLessThan(120)
  })

  test('what overlaps stands in rows of its own', () => {
    const failure = failureOf(registerModel(), history(together(write('a', 1), write('a', 2), read('b', 7))))
    const { lanes, rows } = layOut(failure, () => 'text')
    expect(lanes).toEqual([
      { client: 'a', firstRow: 0, rows: 2 },
      { client: 'b', firstRow: 2, rows: 1 },
    ])
    expect(rows).toBe(3)
  })
})

/** Every tag is closed, in order. */
function expectBalanced(page: string): void {
  const open: string[] = []
  for (const [, closing, name, rest] of page.matchAll(/<(\/?)([a-z0-9]+)((?:[^<>"]|"[^"]*")*)>/g)) {
    if (name === 'meta' || rest?.endsWith('/')) continue
    if (closing === '/') expect(open.pop()).toBe(name)
    else open.push(name as string)
  }
  expect(open).toEqual([])
}

/** Each operation takes effect inside of its bar, in the order from left to right, and no two bars of a row overlap. */
function expectReadable(failure: Failure): void {
  const { bars, columns } = layOut(failure, ({ op }) => `operation ${op}`)
  const inOrder = bars
    .filter(({ place }) => place !== undefined)
    .sort((a, b) => (a.place as number) - (b.place as number))
  let last = -1
  for (const { point = Number.NaN, from, to = columns } of inOrder) {
    expect(point).toBeGreaterThan(from)
    expect(point).toBeLessThan(to)
    expect(point).toBeGreaterThan(last)
    last = point
  }
  for (const bar of bars) {
    const others = bars.filter(({ row, from }) => row === bar.row && from > bar.from)
    for (const other of others) expect(other.from).toBeGreaterThanOrEqual(bar.to ?? columns)
  }
}

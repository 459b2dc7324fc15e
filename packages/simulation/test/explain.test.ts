import { describe, expect, test } from 'vitest'
import { timeLineOf } from '../src/explain-time-line.ts'
import { explainHtml, explainText, type RunResult, Trace, type TraceEvent } from '../src/index.ts'

const EVIL = '</script><img src=x onerror=alert(1)>\u2028&"\''

function resultOf(trace: readonly TraceEvent[], violation?: RunResult['violation']): RunResult {
  const last = trace.at(-1)
  return {
    hash: '0',
    virtualMs: last?.atMs ?? 0,
    steps: 1,
    counts: new Map(),
    aimed: [],
    trace,
    ...(violation === undefined ? {} : { violation }),
  }
}

/** Three nodes: an election, a frame that is lost, one that is late, one that never arrives; a crash, a pause, a partition. */
function story(): RunResult {
  const trace = new Trace({ keep: true })
  trace.add(0, 'n1', 'start', '', 1)
  trace.add(0, 'n2', 'start', '', 1)
  trace.add(0, 'n10', 'start', '', 1)
  trace.add(10, 'n1', 'leader', '', 7)
  for (let i = 1; i <= 5; i++) {
    trace.add(20 + i, 'n1', 'send', 'n2', i)
    trace.detail('append 1 entry')
    trace.add(21 + i, 'n2', 'receive', 'n1', i)
  }
  trace.add(30, 'n1', 'send', 'n10', 6)
  trace.add(31, 'n1', 'lose', 'n10', 6)
  trace.add(32, 'n1', 'send', 'n2', 7)
  trace.add(40, 'n1', 'fault.isolate', '', 1_000)
  trace.add(50, 'n2', 'pause', '', 1)
  trace.add(60, 'n10', 'crash', '', 1)
  trace.add(70, 'n2', 'resume', '', 1)
  trace.add(80, 'n2', 'receive', 'n1', 7)
  trace.add(85, 'n10', 'start', '', 2)
  trace.add(90, 'n1', 'over.isolate')
  trace.add(95, 'n2', 'send', 'n1', 8)
  trace.add(99, 'n2', 'candidate', '', 8)
  return resultOf(trace.events, { rule: 'election safety', message: `two leaders ${EVIL}`, atMs: 99 })
}

describe('a time line', () => {
  const line = timeLineOf(story())

  test('has the nodes in their natural order, and everything that happened', () => {
    expect(line.nodes).toEqual(['n1', 'n2', 'n10'])
    expect([line.fromMs, line.toMs, line.omitted, line.events.length]).toEqual([0, 99, 0, story().trace?.length])
  })

  test('says of each frame what became of it', () => {
    const fates = line.frames.map(({ number, from, to, fate, endMs }) => [number, from, to, fate, endMs])
    expect(fates.slice(0, 2)).toEqual([
      [1, 'n1', 'n2', 'arrived', 22],
      [2, 'n1', 'n2', 'arrived', 23],
    ])
    expect(fates.slice(5)).toEqual([
      [6, 'n1', 'n10', 'lost', 31],
      [7, 'n1', 'n2', 'late', 80],
      [8, 'n2', 'n1', 'under way', 99],
    ])
  })

  test('a duplicated frame has an arrow for each arrival', () => {
    const trace = new Trace({ keep: true })
    trace.add(0, 'n1', 'send', 'n2', 1)
    trace.add(1, 'n2', 'receive', 'n1', 1)
    trace.add(2, 'n2', 'receive', 'n1', 1)
    expect(timeLineOf(resultOf(trace.events)).frames.map(({ endMs }) => endMs)).toEqual([1, 2])
  })

  test('knows for how long a state lasts', () => {
    const spans = line.spans.map(({ node, what, number, fromMs, toMs }) => [node, what, number, fromMs, toMs])
    expect(spans).toEqual([
      ['n1', 'leader', 7, 10, 99],
      ['n1', 'isolate', 0, 40, 90],
      ['n2', 'paused', 0, 50, 70],
      ['n10', 'down', 0, 60, 85],
      ['n2', 'candidate', 8, 99, 99],
    ])
  })

  test('a crash ends a role and a pause', () => {
    const trace = new Trace({ keep: true })
    trace.add(0, 'n1', 'leader', '', 1)
    trace.add(1, 'n1', 'pause', '', 1)
    trace.add(2, 'n1', 'crash', '', 1)
    trace.add(9, 'n2', 'start', '', 1)
    const spans = timeLineOf(resultOf(trace.events)).spans.map(({ what, fromMs, toMs }) => [what, fromMs, toMs])
    expect(spans).toEqual([
      ['leader', 0, 2],
      ['paused', 1, 2],
      ['down', 2, 9],
    ])
  })

  test('a life that ends by itself is down, and the end of an impostor is not', () => {
    const trace = new Trace({ keep: true })
    for (const [atMs, what, life] of [
      [0, 'start', 1],
      [1, 'impostor', 2],
      [2, 'end', 2],
      [3, 'end', 1],
      [4, 'start', 3],
      [5, 'crash', 3],
      [5, 'end', 3],
      [6, 'start', 4],
      [9, 'state', 1],
    ] as const) {
      trace.add(atMs, 'n1', what, '', life)
    }
    expect(timeLineOf(resultOf(trace.events)).spans).toMatchObject([
      { what: 'down', fromMs: 3, toMs: 4 },
      { what: 'down', fromMs: 5, toMs: 6 },
    ])
  })

  test('a leader leads no longer than its term; healing ends what lasts', () => {
    const trace = new Trace({ keep: true })
    trace.add(0, 'n1', 'leader', '', 4)
    trace.add(1, 'n1', 'fault.loss', '', 1_000)
    trace.add(2, 'n1', 'state', '', 4)
    trace.add(3, 'n1', 'state', '', 5)
    trace.add(4, '', 'heal', '', 3)
    trace.add(9, 'n1', 'tick')
    expect(timeLineOf(resultOf(trace.events)).spans).toMatchObject([
      { what: 'leader', fromMs: 0, toMs: 3 },
      { what: 'loss', fromMs: 1, toMs: 4 },
    ])
  })

  test('a pause within a pause lasts to the end of both, and the end of an earlier life ends no pause', () => {
    const trace = new Trace({ keep: true })
    for (const [atMs, what, life] of [
      [0, 'pause', 1],
      [1, 'pause', 1],
      [2, 'resume', 1],
      [3, 'resume', 1],
      [4, 'pause', 1],
      [5, 'crash', 1],
      [6, 'start', 2],
      [7, 'pause', 2],
      [8, 'resume', 1],
      [9, 'resume', 2],
    ] as const) {
      trace.add(atMs, 'n1', what, '', life)
    }
    const pauses = timeLineOf(resultOf(trace.events)).spans.filter(({ kind }) => kind === 'paused')
    expect(pauses.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
      [0, 3],
      [4, 5],
      [7, 9],
    ])
  })

  test('a long trace is cut to the last seconds before the violation; what lasts since earlier is still shown', () => {
    const trace = new Trace({ keep: true })
    trace.add(0, 'n1', 'leader', '', 3)
    for (let i = 0; i < 3_000; i++) trace.add(i * 10, 'n1', 'tick')
    const all = resultOf(trace.events, { rule: 'r', message: 'm', atMs: 20_000 })
    const cut = timeLineOf(all)
    expect([cut.fromMs, cut.toMs, cut.events[0]?.atMs, cut.events.at(-1)?.atMs]).toEqual([
      15_000, 20_000, 15_000, 20_000,
    ])
    expect(cut.omitted).toBe(1_501)
    expect(cut.spans).toMatchObject([{ what: 'leader', fromMs: 15_000, toMs: 20_000 }])
    expect(timeLineOf(all, { lastMs: 100 }).events).toHaveLength(11)
    expect(timeLineOf(all, { lastMs: Number.POSITIVE_INFINITY }).events).toHaveLength(2_002)
  })

  test('needs a kept trace', () => {
    const { trace: _, ...without } = story()
    expect(() => explainText(without)).toThrow(RangeError)
    expect(() => explainHtml(without)).toThrow(/keepTrace/)
  })

  test('an empty trace has nothing to show', () => {
    expect(explainText(resultOf([]))).toBe('A simulated run\n\n\n')
    expect(explainHtml(resultOf([]))).toContain('0 events')
  })
})

describe('a trace as text', () => {
  const text = explainText(story(), { title: 'Scenario x, seed 1' })
  const lineOf = (part: string): string => text.split('\n').find((line) => line.includes(part)) ?? ''

  test('has a line for each event, in their order, and the violation at the end', () => {
    const times = [...text.matchAll(/^ *(\d+\.\d+) ms/gm)].map((match) => Number(match[1]))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times).toHaveLength((story().trace?.length ?? 0) + 1)
    expect(text.split('\n')[0]).toBe('Scenario x, seed 1')
    expect(text.trimEnd().split('\n').at(-1)).toContain('election safety: two leaders')
  })

  test('draws frames between the lanes and says when they arrive', () => {
    expect(lineOf('21.000 ms')).toBe('21.000 ms  ○──▶  │   n1 send to n2  1  append 1 entry  (arrives after 1.000 ms)')
    expect(lineOf('30.000 ms')).toBe('30.000 ms  ○──┼──×   n1 send to n10  6  (lost)')
    expect(lineOf('32.000 ms')).toContain('(late: arrives after 48.000 ms)')
    expect(lineOf('95.000 ms')).toBe('95.000 ms  ▶──○  │   n2 send to n1  8  (never arrives)')
  })

  test('shows who is paused and who is down', () => {
    expect(lineOf('60.000 ms')).toBe('60.000 ms  │  ┊  ✗   n10 crash  1')
    expect(lineOf('70.000 ms')).toBe('70.000 ms  │  ■      n2 resume  1')
    expect(lineOf('99.000 ms')).toContain('│  ■  │   n2 candidate  8')
  })

  test('who is down at the end is still down there', () => {
    const trace = new Trace({ keep: true })
    trace.add(0, 'n1', 'crash', '', 1)
    trace.add(9, 'n2', 'tick')
    expect(explainText(resultOf(trace.events))).toContain('9.000 ms     ■   n2 tick\n')
  })

  test('names the other node of an event that is no frame', () => {
    const trace = new Trace({ keep: true })
    trace.add(0, 'n1', 'MemberDown', 'n2', 3)
    expect(explainText(resultOf(trace.events))).toContain('■  │   n1 MemberDown n2  3\n')
  })

  test('a detail with line breaks stays in its line', () => {
    const trace = new Trace({ keep: true })
    trace.add(0, 'n1', 'log')
    trace.detail('one\ntwo\r\nthree')
    expect(explainText(resultOf(trace.events))).toContain('n1 log  one two three\n')
  })
})

describe('a trace as a page', () => {
  const evil = (): RunResult => {
    const trace = new Trace({ keep: true })
    trace.add(0, `n${EVIL}`, `what${EVIL}`, EVIL, 1)
    trace.detail(EVIL)
    return resultOf(trace.events, { rule: EVIL, message: EVIL, atMs: 0 })
  }
  const dataOf = (page: string): { nodes: string[]; events: unknown[][]; frames: unknown[]; spans: unknown[] } =>
    JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? '')

  test('lets no text of a trace become markup', () => {
    const page = explainHtml(evil(), { title: EVIL })
    expect(page).not.toContain('<img')
    expect(page).not.toContain('onerror=alert(1)>')
    expect(page.match(/<\/script>/g)).toHaveLength(2)
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page.slice(page.indexOf('id="data"'))).not.toContain('\u2028')
    expect(dataOf(page).events[0]).toEqual([0, 1, `what${EVIL}`, 0, [1, 0, 0], EVIL])
  })

  test('needs nothing from outside', () => {
    const { violation: _, ...kept } = story()
    const page = explainHtml(kept)
    expect(page).not.toMatch(/https?:|\bsrc=|\bhref=|@import|url\(/)
    expect(page).toContain("default-src 'none'")
  })

  test('carries the events, the frames and the states', () => {
    const { nodes, events, frames, spans } = dataOf(explainHtml(story()))
    expect([nodes, events.length, frames.length, spans.length]).toEqual([
      ['n1', 'n2', 'n10'],
      story().trace?.length,
      8,
      5,
    ])
    expect(frames[5]).toEqual([30, 31, 0, 2, 'lost', 6, ''])
    expect(spans[0]).toEqual([10, 99, 0, 'role', 'leader', 7])
  })

  test('its script is a script', () => {
    const scripts = [...explainHtml(story()).matchAll(/<script>(.*?)<\/script>/gs)].map((match) => match[1] ?? '')
    expect(scripts).toHaveLength(1)
    expect(() => new Function(scripts[0] ?? '')).not.toThrow()
  })
})

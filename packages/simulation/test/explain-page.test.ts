import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { explainHtml, Trace } from '../src/index.ts'

type Listener = (event: Record<string, unknown>) => void

/** As much of an element as the script of the page uses. */
class ElementDouble {
  textContent = ''
  className = ''
  scrollTop = 0
  scrollHeight = 0
  value = ''
  checked = true
  readonly style: Record<string, string> = {}
  readonly clientWidth = 1_064
  width = 0
  height = 0
  children: ElementDouble[] = []
  readonly listeners = new Map<string, Listener>()
  readonly calls: string[] = []

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, listener)
  }

  appendChild(child: ElementDouble): ElementDouble {
    this.children.push(child)
    return child
  }

  replaceChildren(...children: ElementDouble[]): void {
    this.children = children
  }

  setPointerCapture(): void {}

  /** A pen that notes what it is told. */
  getContext(): unknown {
    const { calls } = this
    return new Proxy(
      { measureText: (text: string) => ({ width: text.length * 6 }), createPattern: () => 'stripes' } as Record<
        string,
        unknown
      >,
      {
        get: (own, name: string) => own[name] ?? ((...args: unknown[]) => void calls.push(`${name} ${args.join(' ')}`)),
        set: (_own, name: string, value) => {
          calls.push(`${name}=${value}`)
          return true
        },
      },
    )
  }
}

/** Runs the script of a page over a document of doubles. */
class PageDouble {
  readonly #elements = new Map<string, ElementDouble>()
  readonly #frames: (() => void)[] = []

  constructor(page: string) {
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? ''
    this.element('data').textContent = data
    const document = {
      getElementById: (id: string) => this.element(id),
      createElement: () => new ElementDouble(),
      querySelector: (name: string) => this.element(name),
      documentElement: this.element('html'),
    }
    const scheme = this.element('scheme')
    const window = { devicePixelRatio: 1, addEventListener: () => undefined, matchMedia: () => scheme }
    const getComputedStyle = () => ({ getPropertyValue: (name: string) => this.#colour(page, name) })
    const requestAnimationFrame = (run: () => void): void => void this.#frames.push(run)
    const world = { document, window, requestAnimationFrame, getComputedStyle }
    runInNewContext(/<script>(.*?)<\/script>/s.exec(page)?.[1] ?? '', world)
    this.draw()
  }

  /** A colour of the style; of the dark one where the scheme is dark. */
  #colour(page: string, name: string): string {
    const values = [...page.matchAll(new RegExp(`${name}: ([^;]+);`, 'g'))].map(([, value]) => value)
    return ` ${values[this.element('scheme').value === 'dark' ? 1 : 0] ?? 'undefined'}`
  }

  element(id: string): ElementDouble {
    const known = this.#elements.get(id) ?? new ElementDouble()
    this.#elements.set(id, known)
    return known
  }

  /** What was drawn since the last time. */
  draw(): string[] {
    this.element('lanes').calls.length = 0
    for (const frame of this.#frames.splice(0)) frame()
    return this.element('lanes').calls
  }

  send(id: string, type: string, event: Record<string, unknown> = {}): void {
    this.element(id).listeners.get(type)?.({ preventDefault: () => undefined, ...event })
  }

  get rows(): string[] {
    return this.element('rows').children.map((row) => row.children.map((cell) => cell.textContent).join('|'))
  }
}

function pageOf(): PageDouble {
  const trace = new Trace({ keep: true })
  trace.add(0, 'n1', 'leader', '', 3)
  trace.add(10, 'n1', 'send', 'n2', 1)
  trace.detail('<b>vote</b>')
  trace.add(20, 'n2', 'receive', 'n1', 1)
  trace.add(30, 'n1', 'send', 'n2', 2)
  trace.add(31, 'n1', 'lose', 'n2', 2)
  trace.add(40, 'n1', 'fault.isolate', '', 40)
  trace.add(50, 'n2', 'pause', '', 1)
  trace.add(60, 'n2', 'crash', '', 1)
  trace.add(100, 'n1', 'tick')
  const violation = { rule: 'r', message: 'm', atMs: 100 }
  const sums = { hash: '', virtualMs: 100, steps: 9, counts: new Map(), aimed: [] }
  return new PageDouble(explainHtml({ ...sums, violation, trace: trace.events }))
}

describe('the page of an explanation', () => {
  test('draws lanes, frames, states, faults and events', () => {
    const page = pageOf()
    page.send('all', 'click')
    const calls = page.draw()
    for (const text of ['n1', 'n2', 'leader 3', 'isolate n1', 'crash', 'tick']) {
      expect(
        calls.some((call) => call.startsWith(`fillText ${text} `)),
        text,
      ).toBe(true)
    }
    expect(calls).toContain('strokeStyle=#5b7aa0')
    expect(calls).toContain('strokeStyle=#d00000')
    expect(calls.filter((call) => /NaN|undefined|Infinity/.test(call))).toEqual([])
  })

  test('lists the events in view as text', () => {
    const page = pageOf()
    expect(page.rows).toHaveLength(10)
    expect(page.rows[1]).toBe('10.000|n1|send|n2|1|<b>vote</b>')
    expect(page.rows[9]).toBe('100.000||broken|||r: m')
    expect(page.element('view').textContent).toBe('In view: 0.000 ms to 100.000 ms, all 9 events.')
  })

  test('filters by node, event and detail', () => {
    const page = pageOf()
    for (const [words, rows] of [
      ['VOTE', 2],
      ['n2', 7],
      ['fault', 2],
      ['nobody', 1],
    ] as const) {
      page.element('filter').value = words
      page.send('filter', 'input')
      page.draw()
      expect(page.rows, words).toHaveLength(rows)
    }
  })

  test('zooms around the pointer, moves, and comes back', () => {
    const page = pageOf()
    // In the middle of the lanes.
    for (let i = 0; i < 10; i++) page.send('lanes', 'wheel', { deltaY: -1, offsetX: 64 + 992 * 0.2 })
    page.draw()
    expect(page.rows.map((row) => row.split('|')[2])).toEqual(['receive'])
    page.send('lanes', 'pointerdown', { offsetX: 500, pointerId: 1 })
    page.send('lanes', 'pointermove', { offsetX: 1_492, offsetY: 0 })
    page.send('lanes', 'pointerup')
    page.draw()
    expect(page.rows.map((row) => row.split('|')[2])).toEqual(['send'])
    page.send('all', 'click')
    page.draw()
    expect(page.rows).toHaveLength(10)
  })

  test('is moved by keys as well, and never beyond the beginning and the end', () => {
    const page = pageOf()
    const press = (key: string): string => {
      page.send('lanes', 'keydown', { key })
      page.draw()
      return page.element('view').textContent
    }
    expect(press('+')).toMatch(/^In view: 25\.000 ms to 75\.000 ms, 5 of 9/)
    expect(press('ArrowRight')).toMatch(/^In view: 30\.000 ms to 80\.000/)
    expect(press('Home')).toMatch(/^In view: 0\.000 ms to 50\.000/)
    for (let i = 0; i < 5; i++) press('ArrowLeft')
    expect(press('x')).toMatch(/^In view: -2\.500 ms to 47\.500/)
    expect(press('End')).toMatch(/^In view: 50\.000 ms to 100\.000/)
    page.send('lanes', 'wheel', { deltaX: 992, deltaY: 0, offsetX: 500 })
    expect(press('x')).toMatch(/^In view: 52\.500 ms to 102\.500/)
    press('-')
    expect(press('-')).toMatch(/^In view: -\d\.\d+ ms to 10\d\.\d+ ms, all 9/)
  })

  test('begins with what led to a violation, and has all of it on demand', () => {
    const trace = new Trace({ keep: true })
    for (let i = 0; i < 1_000; i++) trace.add(i, 'n1', 'tick')
    const sums = { hash: '', virtualMs: 999, steps: 9, counts: new Map(), aimed: [] }
    const violation = { rule: 'r', message: 'm', atMs: 999 }
    const page = new PageDouble(explainHtml({ ...sums, violation, trace: trace.events }))
    expect(page.element('view').textContent).toBe('In view: 700.000 ms to 999.000 ms, 300 of 1000 events.')
    page.send('all', 'click')
    page.draw()
    expect(page.element('view').textContent).toContain('all 1000')
    const good = new PageDouble(explainHtml({ ...sums, trace: trace.events }))
    expect(good.element('view').textContent).toContain('all 1000')
  })

  test('names what is rare before what is not, and nothing over something else', () => {
    const trace = new Trace({ keep: true })
    for (let i = 0; i < 200; i++) trace.add(i, 'n1', i === 100 ? 'elected' : 'tick')
    const sums = { hash: '', virtualMs: 199, steps: 9, counts: new Map(), aimed: [] }
    const page = new PageDouble(explainHtml({ ...sums, trace: trace.events }))
    page.send('all', 'click')
    const texts = page.draw().filter((call) => /^fillText (tick|elected) /.test(call))
    expect(texts.some((call) => call.startsWith('fillText elected '))).toBe(true)
    const lefts = texts.map((call) => [Number(call.split(' ')[2]), (call.split(' ')[1] ?? '').length * 6] as const)
    lefts.sort(([a], [b]) => a - b)
    for (const [i, [left, width]] of lefts.entries()) {
      expect(left + width).toBeLessThanOrEqual(Math.min(lefts[i + 1]?.[0] ?? 1_064, 1_064))
    }
  })

  test('takes its colours from the style, and others where the reader wants it dark', () => {
    const page = pageOf()
    page.element('scheme').value = 'dark'
    page.send('scheme', 'change')
    const calls = page.draw()
    expect(calls).toContain('strokeStyle=#7ea6d8')
    expect(calls).not.toContain('strokeStyle=#5b7aa0')
    expect(calls.filter((call) => /undefined/.test(call))).toEqual([])
  })

  test('says what is under the pointer', () => {
    const page = pageOf()
    page.send('lanes', 'pointermove', { offsetX: 64 + 992 * 0.1, offsetY: 86 })
    expect(page.element('hint').textContent).toContain('10.000 ms  n1 send n2')
    page.send('lanes', 'pointermove', { offsetX: 64 + 992 * 0.15, offsetY: 118 })
    expect(page.element('hint').textContent).toContain('frame 1 n1 to n2, arrived after 10.000 ms')
    page.send('lanes', 'pointermove', { offsetX: 0, offsetY: 0 })
    expect(page.element('hint').textContent).toBe('')
  })
})

import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { explainHtml, Trace } from '../src/index.ts'

type Listener = (event: Record<string, unknown>) => void

/** As much of an element as the script of the page uses. */
class ElementDouble {
  textContent = ''
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
    }
    const window = { devicePixelRatio: 1, addEventListener: () => undefined }
    const requestAnimationFrame = (run: () => void): void => void this.#frames.push(run)
    runInNewContext(/<script>(.*?)<\/script>/s.exec(page)?.[1] ?? '', { document, window, requestAnimationFrame })
    this.draw()
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
    expect(page.rows).toHaveLength(9)
    expect(page.rows[1]).toBe('10.000|n1|send|n2|1 0 0|<b>vote</b>')
  })

  test('filters by node, event and detail', () => {
    const page = pageOf()
    for (const [words, rows] of [
      ['VOTE', 1],
      ['n2', 6],
      ['fault', 1],
      ['nobody', 0],
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
    expect(page.rows).toHaveLength(9)
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

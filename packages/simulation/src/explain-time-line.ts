import type { RunResult, Violation } from './scenario.ts'
import type { TraceEvent } from './trace.ts'

/** Which part of a trace is shown. */
export interface ExplainOptions {
  /** How much of the time before the violation, or before the end where there is none. Default: 5 s where the trace is long, else all. */
  readonly lastMs?: number
  /** The heading. Default: "A simulated run". */
  readonly title?: string
}

/** What became of a frame. */
export type FrameFate = 'arrived' | 'late' | 'lost' | 'under way'

/** A frame on its way from a node to another. */
export interface Frame {
  readonly number: number
  readonly from: string
  readonly to: string
  readonly sentMs: number
  /** When it arrived or was lost; the end of the trace for one that is under way. */
  readonly endMs: number
  readonly fate: FrameFate
  readonly detail: string
}

/** A state of a node that lasts: it is down, it is paused, it leads, or a fault is upon it. */
export interface Span {
  readonly node: string
  readonly kind: 'down' | 'paused' | 'role' | 'fault'
  /** `down`, `paused`, the name of the role, or the kind of the fault. */
  readonly what: string
  /** The term of a role, else 0. */
  readonly number: number
  readonly fromMs: number
  readonly toMs: number
}

/** A trace as it is drawn: what happened on each node between two moments. */
export interface TimeLine {
  readonly title: string
  /** In their natural order: n2 before n10. */
  readonly nodes: readonly string[]
  readonly fromMs: number
  readonly toMs: number
  readonly events: readonly TraceEvent[]
  readonly frames: readonly Frame[]
  readonly spans: readonly Span[]
  readonly violation: Violation | undefined
  /** Events before `fromMs`, which are not shown. */
  readonly omitted: number
}

/** A trace with more events than this is cut to its last seconds. */
const LONG = 2_000
const LAST_MS = 5_000
/** Frames that take this many times as long as most are late. */
const LATE_FACTOR = 10

const SEND = 'send'
const RECEIVE = 'receive'
const LOSE = 'lose'
const ROLES = new Set(['leader', 'follower', 'candidate', 'pre-candidate', 'learner'])

/** Orders the trace of a result by node. Throws RangeError when the trace was not kept. */
export function timeLineOf(result: RunResult, { lastMs, title = 'A simulated run' }: ExplainOptions = {}): TimeLine {
  const { trace, violation } = result
  if (trace === undefined) throw new RangeError('the trace was not kept: run the plan with keepTrace')
  const endMs = trace.at(-1)?.atMs ?? 0
  const toMs = violation === undefined ? endMs : Math.max(violation.atMs, trace[0]?.atMs ?? 0)
  const shownMs = lastMs ?? (trace.length > LONG ? LAST_MS : Number.POSITIVE_INFINITY)
  const fromMs = Math.max(trace[0]?.atMs ?? 0, toMs - shownMs)
  const isShown = (from: number, to: number): boolean => from <= toMs && to >= fromMs
  const events = trace.filter(({ atMs }) => isShown(atMs, atMs))
  const clip = <T extends { readonly fromMs: number; readonly toMs: number }>(span: T): T => ({
    ...span,
    fromMs: Math.max(span.fromMs, fromMs),
    toMs: Math.min(span.toMs, toMs),
  })
  return {
    title,
    nodes: nodesOf(trace),
    fromMs,
    toMs,
    events,
    frames: framesOf(trace, endMs).filter(({ sentMs, endMs: goneMs }) => isShown(sentMs, goneMs)),
    spans: spansOf(trace, endMs)
      .filter((span) => isShown(span.fromMs, span.toMs))
      .map(clip),
    violation,
    omitted: trace.findIndex(({ atMs }) => atMs >= fromMs),
  }
}

function nodesOf(trace: readonly TraceEvent[]): string[] {
  const nodes = new Set<string>()
  for (const { node, peer } of trace) {
    if (node !== '') nodes.add(node)
    if (peer !== '') nodes.add(peer)
  }
  return [...nodes].sort(naturally)
}

/** n2 comes before n10. Without a locale, whose rules differ between builds of Node.js. */
function naturally(a: string, b: string): number {
  const [, headA = '', numberA = ''] = /^(.*?)(\d*)$/s.exec(a) ?? []
  const [, headB = '', numberB = ''] = /^(.*?)(\d*)$/s.exec(b) ?? []
  if (headA !== headB) return headA < headB ? -1 : 1
  return Number(numberA) - Number(numberB)
}

/** Frames by their number, which `send`, `receive` and `lose` carry; one that was duplicated gives an arrow for each arrival. */
function framesOf(trace: readonly TraceEvent[], endMs: number): Frame[] {
  const sent = new Map<number, TraceEvent>()
  const gone = new Set<number>()
  const frames: Frame[] = []
  const end = (send: TraceEvent, to: string, atMs: number, fate: FrameFate): void => {
    const detail = send.detail ?? ''
    frames.push({ number: send.numbers[0], from: send.node, to, sentMs: send.atMs, endMs: atMs, fate, detail })
  }
  for (const event of trace) {
    const { what, node, numbers, atMs } = event
    if (what === SEND) sent.set(numbers[0], event)
    else if (what === RECEIVE || what === LOSE) {
      const send = sent.get(numbers[0])
      if (send === undefined) continue
      gone.add(numbers[0])
      end(send, what === RECEIVE ? node : send.peer || node, atMs, what === RECEIVE ? 'arrived' : 'lost')
    }
  }
  for (const [number, send] of sent) if (!gone.has(number)) end(send, send.peer, endMs, 'under way')
  return markLate(frames).sort((a, b) => a.sentMs - b.sentMs || a.number - b.number)
}

function markLate(frames: readonly Frame[]): Frame[] {
  const delays = frames.filter(({ fate }) => fate === 'arrived').map(({ sentMs, endMs }) => endMs - sentMs)
  const usualMs = delays.sort((a, b) => a - b)[Math.floor(delays.length / 2)] ?? 0
  const isLate = ({ fate, sentMs, endMs }: Frame): boolean =>
    fate === 'arrived' && usualMs > 0 && endMs - sentMs > LATE_FACTOR * usualMs
  return frames.map((frame) => (isLate(frame) ? { ...frame, fate: 'late' } : frame))
}

type OpenSpan = Omit<Span, 'toMs'> & { depth: number }

/** Collects states that begin and end. One that began twice ends twice. */
class Spans {
  readonly ended: Span[] = []
  readonly #open = new Map<string, OpenSpan>()

  begin(key: string, span: Omit<Span, 'toMs'>): void {
    const open = this.#open.get(key)
    if (open === undefined) this.#open.set(key, { ...span, depth: 1 })
    else open.depth++
  }

  end(key: string, atMs: number): void {
    const open = this.#open.get(key)
    if (open === undefined || --open.depth > 0) return
    this.#open.delete(key)
    const { depth: _, ...span } = open
    this.ended.push({ ...span, toMs: atMs })
  }

  /** The number of a state that has begun and not ended. */
  numberOf(key: string): number | undefined {
    return this.#open.get(key)?.number
  }

  /** Ends whatever has a key that begins so, at any depth. */
  endAll(atMs: number, keyStart = ''): void {
    for (const [key, open] of this.#open) {
      if (!key.startsWith(keyStart)) continue
      open.depth = 1
      this.end(key, atMs)
    }
  }
}

function spansOf(trace: readonly TraceEvent[], endMs: number): Span[] {
  const spans = new Spans()
  const generations = new Map<string, number>()
  for (const event of trace) {
    lifeSpans(spans, generations, event)
    roleSpans(spans, event)
  }
  spans.endAll(endMs)
  return [...spans.ended, ...faultSpans(trace, endMs)].sort((a, b) => a.fromMs - b.fromMs)
}

/**
 * From a crash, or an end without one, to the next start; from a pause to the moment when every pause of this life has ended.
 * The end of a process that is not the last one started on its machine, an impostor, leaves the node up.
 */
function lifeSpans(spans: Spans, generations: Map<string, number>, { atMs, node, what, numbers }: TraceEvent): void {
  const [down, paused] = [`down ${node} `, `paused ${node} ${numbers[0]}`]
  const isDown = what === 'crash' || (what === 'end' && generations.get(node) === numbers[0])
  if (isDown || what === 'start') {
    spans.endAll(atMs, `paused ${node} `)
    spans.endAll(atMs, `role ${node} `)
  }
  if (isDown) spans.begin(down, { node, kind: 'down', what: 'down', number: 0, fromMs: atMs })
  else if (what === 'start') {
    spans.endAll(atMs, down)
    generations.set(node, numbers[0])
  } else if (what === 'pause') spans.begin(paused, { node, kind: 'paused', what: 'paused', number: 0, fromMs: atMs })
  else if (what === 'resume') spans.end(paused, atMs)
}

/** A role lasts until the node takes another one, or notes a `state` in a later term: nobody keeps a role beyond its term. */
function roleSpans(spans: Spans, { atMs, node, what, numbers }: TraceEvent): void {
  const key = `role ${node} `
  if (ROLES.has(what)) {
    spans.end(key, atMs)
    spans.begin(key, { node, kind: 'role', what, number: numbers[0], fromMs: atMs })
  } else if (what === 'state' && numbers[0] > (spans.numberOf(key) ?? numbers[0])) spans.end(key, atMs)
}

const FAULT = 'fault.'
const OVER = 'over.'

/** `fault.<kind>` says how long it lasts; `over.<kind>` of the same node ends the oldest one, and healing the world ends all. */
function faultSpans(trace: readonly TraceEvent[], endMs: number): Span[] {
  const spans: Span[] = []
  const open = new Map<string, { -readonly [Name in keyof Span]: Span[Name] }[]>()
  for (const { atMs, node, what, numbers } of trace) {
    if (what.startsWith(FAULT)) {
      const kind = what.slice(FAULT.length)
      const toMs = Math.min(endMs, atMs + numbers[0])
      const span = { node, kind: 'fault' as const, what: kind, number: 0, fromMs: atMs, toMs }
      spans.push(span)
      const key = `${kind} ${node}`
      open.set(key, [...(open.get(key) ?? []), span])
    } else if (what.startsWith(OVER)) {
      const span = open.get(`${what.slice(OVER.length)} ${node}`)?.shift()
      if (span !== undefined) span.toMs = atMs
    } else if (node === '' && what.startsWith('heal')) {
      for (const span of [...open.values()].flat()) span.toMs = Math.min(span.toMs, atMs)
      open.clear()
    }
  }
  return spans
}

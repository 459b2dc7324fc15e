import { type ExplainOptions, type Frame, type Span, type TimeLine, timeLineOf } from './explain-time-line.ts'
import type { RunResult } from './scenario.ts'
import type { TraceEvent } from './trace.ts'

const UP = '│'
const DOWN = ' '
const PAUSED = '┊'
const RULE = '─'
const CROSSING = '┼'
const LANE_WIDTH = 3

/**
 * A kept trace as text: one line for each event, time on the left, a lane for each node, words on the right.
 *
 * A lane is `│` while the node runs, `┊` while it is paused, and empty while it is down. A frame is drawn where it is sent,
 * with `▶` at its end or `×` when it gets lost, and its line says when it arrived.
 *
 * Throws RangeError when the trace was not kept.
 */
export function explainText(result: RunResult, options: ExplainOptions = {}): string {
  const timeLine = timeLineOf(result, options)
  const frames = framesBySend(timeLine)
  const timeWidth = ms(timeLine.toMs).length
  const lines = timeLine.events.map((event) => {
    const frame = event.what === 'send' ? frames.get(event.numbers[0]) : undefined
    return `${ms(event.atMs).padStart(timeWidth)}  ${lanes(timeLine, event, frame)} ${words(event, frame)}`.trimEnd()
  })
  const head = `${' '.repeat(timeWidth)}  ${timeLine.nodes.map((node) => node.slice(0, LANE_WIDTH - 1).padEnd(LANE_WIDTH)).join('')}`
  return `${[...heading(timeLine), head.trimEnd(), ...lines, ...ending(timeLine)].join('\n')}\n`
}

const ms = (time: number): string => `${time.toFixed(3)} ms`

/** What is a line of its own must stay one. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')

function heading({ title, omitted, fromMs, nodes }: TimeLine): string[] {
  const longNames = nodes.some((node) => node.length >= LANE_WIDTH)
  return [
    oneLine(title),
    ...(omitted > 0 ? [`${omitted} events before ${ms(fromMs)} are not shown.`] : []),
    ...(longNames ? [`Lanes from left to right: ${nodes.join(', ')}`] : []),
    '',
  ]
}

function ending({ violation }: TimeLine): string[] {
  return violation === undefined ? [] : ['', `${ms(violation.atMs)}  ${violation.rule}: ${violation.message}`]
}

/** A frame that arrives twice is drawn once, to its first arrival. */
function framesBySend({ frames }: TimeLine): Map<number, Frame> {
  const bySend = new Map<number, Frame>()
  for (const frame of frames) if (!bySend.has(frame.number)) bySend.set(frame.number, frame)
  return bySend
}

function lanes(timeLine: TimeLine, event: TraceEvent, frame: Frame | undefined): string {
  const { nodes } = timeLine
  const own = nodes.indexOf(event.node)
  const other = frame === undefined ? -1 : nodes.indexOf(frame.to)
  const [left, right] = [Math.min(own, other), Math.max(own, other)]
  const isArrow = own >= 0 && other >= 0 && own !== other
  return nodes
    .map((node, i) => {
      const isCrossed = isArrow && i > left && i < right
      const symbol = i === own ? mark(event) : i === other ? end(frame) : lane(timeLine, node, event.atMs, isCrossed)
      const line = isArrow && i >= left && i < right ? RULE : ' '
      return symbol + line.repeat(LANE_WIDTH - 1)
    })
    .join('')
}

function lane({ spans, toMs }: TimeLine, node: string, atMs: number, isCrossed: boolean): string {
  // What has not ended by the end of the time line goes on there.
  const lasts = (span: Span): boolean => span.fromMs <= atMs && (atMs < span.toMs || span.toMs === toMs)
  const now = spans.filter((span) => span.node === node && lasts(span))
  if (now.some(({ kind }) => kind === 'down')) return isCrossed ? RULE : DOWN
  if (isCrossed) return CROSSING
  return now.some(({ kind }) => kind === 'paused') ? PAUSED : UP
}

const MARKS: Readonly<Record<string, string>> = { send: '○', receive: '●', lose: '×', crash: '✗', start: '◆' }

const mark = ({ what }: TraceEvent): string => MARKS[what] ?? '■'

function end(frame: Frame | undefined): string {
  return frame?.fate === 'lost' ? '×' : '▶'
}

const PREPOSITIONS: Readonly<Record<string, string>> = { send: ' to ', receive: ' from ', lose: ' to ' }

function words({ node, what, peer, numbers, detail }: TraceEvent, frame: Frame | undefined): string {
  const who = node === '' ? '' : `${node} `
  const whom = peer === '' ? '' : `${PREPOSITIONS[what] ?? ' '}${peer}`
  const values = numbers.slice(0, 1 + numbers.findLastIndex((value) => value !== 0)).join(' ')
  const said = [values, oneLine(detail ?? ''), frame === undefined ? '' : fateOf(frame)].filter((part) => part !== '')
  return `${who}${what}${whom}${said.length === 0 ? '' : `  ${said.join('  ')}`}`
}

function fateOf({ fate, sentMs, endMs }: Frame): string {
  const took = `${(endMs - sentMs).toFixed(3)} ms`
  if (fate === 'lost') return '(lost)'
  if (fate === 'under way') return '(never arrives)'
  return fate === 'late' ? `(late: arrives after ${took})` : `(arrives after ${took})`
}

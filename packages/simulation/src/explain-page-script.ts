/**
 * The script of the page that {@link explainHtml} makes: it draws what is in view from the data in the page. It sets text
 * as text alone, so nothing that a trace says becomes markup.
 */
export const PAGE_SCRIPT: string = `
'use strict'
const data = JSON.parse(document.getElementById('data').textContent)
const element = (id) => document.getElementById(id)
const canvas = element('lanes')
const pen = canvas.getContext('2d')
const LEFT = 64, TOP = 24, BAR = 14, LANE = 64, BELOW = 6, MAX_ROWS = 400, MAX_BARS = 6, FIRST_VIEW = 300, TICK_WIDTH = 110
const HUES = [130, 210, 300, 30, 180, 260, 80, 340]
const FATES = { arrived: 'frame', late: 'late', lost: 'lost', 'under way': 'gone' }
const ROLES = /^(leader|follower|candidate|pre-candidate|learner)$/
const SPREADS = /partition|cut|isolate|seen|flapping|broker/
const end = Math.max(data.toMs, data.fromMs + 0.001)
let from = data.fromMs, to = end
// What led to a violation is at the end; the whole would be too dense to see it.
if (data.violation && data.events.length > 2 * FIRST_VIEW) from = Math.min(data.events[data.events.length - FIRST_VIEW][0], end - 0.001)
let colours = {}
const colour = (name) => colours[name] ||= getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()
const bars = stackBars()
const lanesTop = TOP + bars.rows * BAR + 16
const height = lanesTop + data.nodes.length * LANE + BELOW

function stackBars() {
  const ends = []
  const placed = data.spans.filter((span) => span[3] === 'fault').map((span) => {
    let row = ends.findIndex((end) => end <= span[0])
    if (row < 0) row = ends.length < MAX_BARS ? ends.length : MAX_BARS - 1
    ends[row] = Math.max(ends[row] || 0, span[1])
    return { span, row, free: Infinity }
  })
  placed.forEach((bar, i) => {
    const next = placed.slice(i + 1).find(({ row }) => row === bar.row)
    if (next) bar.free = next.span[0]
  })
  return { placed, rows: ends.length }
}

const numbersOf = (e) => e[4].join(' ').replace(/(^| )0( 0)*$/, '')
const nameOf = (i) => i < 0 ? '' : data.nodes[i]
const laneY = (i) => lanesTop + i * LANE + LANE / 2
const widthOf = () => canvas.clientWidth
const x = (time) => LEFT + (time - from) / (to - from) * (widthOf() - LEFT - 8)
const timeAt = (px) => from + (px - LEFT) / (widthOf() - LEFT - 8) * (to - from)
const inView = (a, b) => b >= from && a <= to
const wanted = () => element('filter').value.trim().toLowerCase()
const eventText = (e) => [nameOf(e[1]), e[2], nameOf(e[3]), e[5]].join(' ').toLowerCase()
const frameText = (f) => [nameOf(f[2]), 'send receive', nameOf(f[3]), f[4], f[6]].join(' ').toLowerCase()

function draw() {
  const ratio = window.devicePixelRatio || 1
  canvas.style.height = height + 'px'
  canvas.width = widthOf() * ratio
  canvas.height = height * ratio
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, widthOf(), height)
  pen.font = '11px system-ui, sans-serif'
  pen.textBaseline = 'middle'
  drawAxis()
  pen.save()
  pen.beginPath()
  pen.rect(LEFT, 0, widthOf() - LEFT, height)
  pen.clip()
  if (element('faults').checked) bars.placed.forEach(drawFault)
  data.spans.forEach(drawSpan)
  drawLanes()
  const words = wanted()
  if (element('frames').checked) data.frames.forEach((frame) => drawFrame(frame, words))
  if (data.violation) rule(x(data.violation[0]), colour('lost'), 2)
  data.spans.forEach(drawRoleName)
  drawEvents(words)
  pen.restore()
  drawNames()
}

/** Words that can be read over whatever is drawn below them. */
function write(text, px, y) {
  pen.strokeStyle = colour('back')
  pen.lineWidth = 3
  pen.lineJoin = 'round'
  pen.setLineDash([])
  pen.strokeText(text, px, y)
  pen.fillText(text, px, y)
}

function rule(px, paint, width) {
  pen.strokeStyle = paint
  pen.lineWidth = width
  pen.setLineDash([])
  pen.beginPath()
  pen.moveTo(px, TOP)
  pen.lineTo(px, height - BELOW)
  pen.stroke()
}

function drawAxis() {
  const rough = (to - from) / Math.max(2, Math.min(8, widthOf() / TICK_WIDTH))
  const power = Math.pow(10, Math.floor(Math.log10(rough)))
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough)
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step))))
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    if (x(t) < LEFT) continue
    rule(x(t), colour('grid'), 1)
    const text = t.toFixed(digits) + ' ms'
    pen.fillStyle = colour('dim')
    if (x(t) + pen.measureText(text).width + 4 < widthOf()) pen.fillText(text, x(t) + 2, 10)
  }
}

function drawFault({ span, row, free }) {
  const [a, b, node, , what] = span
  if (!inView(a, b)) return
  const [left, width] = [x(a), Math.max(2, x(b) - x(a))]
  if (SPREADS.test(what)) {
    pen.fillStyle = colour('spread')
    pen.fillRect(left, TOP, width, height - TOP - BELOW)
  }
  pen.fillStyle = colour('fault')
  pen.fillRect(left, TOP + row * BAR, width, BAR - 2)
  const name = what + (node < 0 ? '' : ' ' + nameOf(node))
  const [long, y, after] = [pen.measureText(name).width, TOP + row * BAR + BAR / 2 - 1, left + width + 3]
  pen.fillStyle = colour('text')
  if (left + width - Math.max(left, LEFT) > long + 2) pen.fillText(name, Math.max(left, LEFT) + 2, y)
  else if (after >= LEFT && after + long < Math.min(x(free), widthOf())) pen.fillText(name, after, y)
}

function label(text, px, y, width) {
  if (pen.measureText(text).width > width) return
  pen.fillStyle = colour('text')
  write(text, px, y)
}

function drawSpan([a, b, node, kind, what, number]) {
  if (kind === 'fault' || node < 0 || !inView(a, b)) return
  const [left, width, top] = [x(a), Math.max(1, x(b) - x(a)), laneY(node) - 10]
  if (kind === 'down') pen.fillStyle = colour('down')
  else if (kind === 'paused') pen.fillStyle = hatch()
  else if (what === 'leader') pen.fillStyle = 'hsl(' + HUES[number % HUES.length] + ' 50% ' + colour('role-light') + ')'
  else pen.fillStyle = colour(what.includes('candidate') ? 'candidate' : 'other')
  pen.fillRect(left, top, width, 20)
}

function drawRoleName([a, b, node, kind, what, number]) {
  if (kind !== 'role' || node < 0 || !inView(a, b)) return
  const left = Math.max(x(a), LEFT) + 2
  label(what + (number > 0 ? ' ' + number : ''), left, laneY(node) - 16, Math.min(x(b), widthOf()) - left)
}

let hatching
function hatch() {
  if (hatching) return hatching
  const tile = document.createElement('canvas')
  tile.width = tile.height = 6
  const brush = tile.getContext('2d')
  brush.strokeStyle = colour('lane')
  brush.beginPath()
  brush.moveTo(0, 6)
  brush.lineTo(6, 0)
  brush.stroke()
  hatching = pen.createPattern(tile, 'repeat')
  return hatching
}

function drawLanes() {
  pen.setLineDash([])
  pen.lineWidth = 1
  pen.strokeStyle = colour('lane')
  data.nodes.forEach((_, i) => {
    pen.beginPath()
    pen.moveTo(LEFT, laneY(i))
    pen.lineTo(widthOf(), laneY(i))
    pen.stroke()
  })
}

function drawNames() {
  pen.fillStyle = colour('text')
  pen.font = '600 12px system-ui, sans-serif'
  data.nodes.forEach((name, i) => pen.fillText(name, 6, laneY(i), LEFT - 8))
}

function drawFrame(frame, words) {
  const [a, b, sender, receiver, fate] = frame
  if (sender < 0 || receiver < 0 || !inView(a, b)) return
  pen.globalAlpha = words === '' || frameText(frame).includes(words) ? 1 : 0.08
  pen.strokeStyle = pen.fillStyle = colour(FATES[fate])
  pen.lineWidth = fate === 'lost' || fate === 'late' ? 1.5 : 0.8
  pen.setLineDash(fate === 'lost' || fate === 'under way' ? [4, 3] : [])
  const [x1, y1] = [x(a), laneY(sender)]
  const share = fate === 'lost' ? 0.7 : 1
  const [x2, y2] = [x1 + (x(b) - x1) * share, y1 + (laneY(receiver) - y1) * share]
  pen.beginPath()
  pen.moveTo(x1, y1)
  pen.lineTo(x2, y2)
  pen.stroke()
  pen.setLineDash([])
  if (fate === 'lost') cross(x2, y2)
  else if (fate !== 'under way') head(x1, y1, x2, y2)
  pen.globalAlpha = 1
}

function cross(px, y) {
  pen.beginPath()
  pen.moveTo(px - 4, y - 4)
  pen.lineTo(px + 4, y + 4)
  pen.moveTo(px - 4, y + 4)
  pen.lineTo(px + 4, y - 4)
  pen.stroke()
}

function head(x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1)
  pen.beginPath()
  pen.moveTo(x2, y2)
  pen.lineTo(x2 - 7 * Math.cos(angle - 0.35), y2 - 7 * Math.sin(angle - 0.35))
  pen.lineTo(x2 - 7 * Math.cos(angle + 0.35), y2 - 7 * Math.sin(angle + 0.35))
  pen.fill()
}

function drawEvents(words) {
  const named = []
  const often = {}
  for (const event of data.events) {
    const [atMs, node, what] = event
    if (node < 0 || atMs < from || atMs > to) continue
    const alpha = words === '' || eventText(event).includes(words) ? 1 : 0.1
    const isFrame = what === 'send' || what === 'receive' || what === 'lose'
    const px = x(atMs)
    pen.globalAlpha = alpha
    pen.fillStyle = colour(isFrame ? 'frame' : what === 'crash' ? 'lost' : 'text')
    pen.beginPath()
    pen.arc(px, laneY(node), isFrame ? 1.5 : 3, 0, 7)
    pen.fill()
    pen.globalAlpha = 1
    if (isFrame || (element('faults').checked && /^(fault|over)[.]/.test(what)) || ROLES.test(what)) continue
    often[what] = (often[what] || 0) + 1
    if (alpha === 1) named.push({ px, node, what })
  }
  nameEvents(named, often)
}

/** Names as many events as there is room for, and what is rare before what is not. */
function nameEvents(named, often) {
  const taken = data.nodes.map(() => [])
  named.sort((a, b) => often[a.what] - often[b.what] || b.px - a.px)
  for (const { px, node, what } of named) {
    const width = pen.measureText(what).width
    const left = px + 2 + width > widthOf() ? px - width - 2 : px + 2
    if (taken[node].some(([a, b]) => left < b && left + width > a)) continue
    taken[node].push([left - 6, left + width + 6])
    pen.fillStyle = colour(what === 'crash' ? 'lost' : 'text')
    write(what, left, laneY(node) + 18)
  }
}

function rowOf(cells, kind) {
  const row = document.createElement('tr')
  if (kind) row.className = kind
  for (const text of cells) row.appendChild(document.createElement('td')).textContent = text
  return row
}

function fillRows() {
  const words = wanted()
  const shown = data.events.filter((e) => e[0] >= from && e[0] <= to)
  const matching = shown.filter((e) => words === '' || eventText(e).includes(words))
  const rows = matching.slice(-MAX_ROWS).map((e) =>
    rowOf([e[0].toFixed(3), nameOf(e[1]), e[2], nameOf(e[3]), numbersOf(e), e[5]]))
  if (data.violation && data.violation[0] >= from && data.violation[0] <= to)
    rows.push(rowOf([data.violation[0].toFixed(3), '', 'broken', '', '', data.violation[1] + ': ' + data.violation[2]], 'broken'))
  element('rows').replaceChildren(...rows)
  element('list').scrollTop = element('list').scrollHeight
  element('view').textContent = 'In view: ' + from.toFixed(3) + ' ms to ' + to.toFixed(3) + ' ms, '
    + (shown.length === data.events.length ? 'all ' : shown.length + ' of ') + data.events.length + ' events'
    + (words === '' ? '.' : ', of which ' + matching.length + ' match the filter.')
  element('more').textContent = matching.length > MAX_ROWS
    ? 'The last ' + MAX_ROWS + ' of ' + matching.length + ' events in view are listed. Zoom in or filter for the others.' : ''
}

let waits = false
function redraw() {
  if (waits) return
  waits = true
  requestAnimationFrame(() => { waits = false; draw(); fillRows() })
}

function zoom(factor, around) {
  const span = Math.min(Math.max((to - from) * factor, 0.001), Math.max(data.toMs - data.fromMs, 0.001) * 1.1)
  const share = (around - from) / (to - from)
  show(around - span * share, span)
}

/** Looks at \`span\` from \`begin\` on, or at what is nearest to it: there is nothing before the beginning and after the end. */
function show(begin, span) {
  const whole = end - data.fromMs
  const margin = Math.max(span * 0.05, (span - whole) / 2)
  from = Math.max(data.fromMs - margin, Math.min(begin, end + margin - span))
  to = from + span
  redraw()
}

function keyed(key) {
  const span = to - from
  if (key === '+' || key === '=') zoom(0.5, (from + to) / 2)
  else if (key === '-') zoom(2, (from + to) / 2)
  else if (key === 'ArrowLeft') show(from - span * 0.1, span)
  else if (key === 'ArrowRight') show(from + span * 0.1, span)
  else if (key === 'Home') show(data.fromMs, span)
  else if (key === 'End') show(end - span, span)
  else return false
  return true
}

function nearest(px, y) {
  let best, bestDistance = 8
  const consider = (distance, text) => { if (distance < bestDistance) { bestDistance = distance; best = text } }
  for (const e of data.events) {
    if (e[1] >= 0 && e[0] >= from && e[0] <= to) {
      consider(Math.hypot(x(e[0]) - px, laneY(e[1]) - y), e[0].toFixed(3) + ' ms  ' + nameOf(e[1]) + ' ' + e[2] + ' ' + nameOf(e[3]) + '  ' + numbersOf(e) + '  ' + e[5])
    }
  }
  for (const f of element('frames').checked ? data.frames : []) {
    if (f[2] < 0 || f[3] < 0 || !inView(f[0], f[1])) continue
    const [x1, y1, x2, y2] = [x(f[0]), laneY(f[2]), x(f[1]), laneY(f[3])]
    const length = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1
    const share = Math.min(1, Math.max(0, ((px - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length))
    consider(Math.hypot(x1 + share * (x2 - x1) - px, y1 + share * (y2 - y1) - y) + 1,
      'frame ' + f[5] + ' ' + nameOf(f[2]) + ' to ' + nameOf(f[3]) + ', ' + f[4] + ' after ' + (f[1] - f[0]).toFixed(3) + ' ms  ' + f[6])
  }
  for (const { span, row } of bars.placed) {
    if (y >= TOP + row * BAR && y < TOP + (row + 1) * BAR && px >= x(span[0]) && px <= x(span[1]))
      consider(0, span[4] + ' ' + nameOf(span[2]) + ', ' + span[0].toFixed(3) + ' to ' + span[1].toFixed(3) + ' ms')
  }
  return best || ''
}

let drag
canvas.addEventListener('wheel', (event) => {
  event.preventDefault()
  const sideways = event.deltaX || 0
  if (Math.abs(sideways) > Math.abs(event.deltaY)) show(timeAt(LEFT + sideways), to - from)
  else zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event.offsetX))
}, { passive: false })
canvas.addEventListener('pointerdown', (event) => {
  drag = { px: event.offsetX, from, to }
  canvas.setPointerCapture(event.pointerId)
})
canvas.addEventListener('pointerup', () => { drag = undefined })
canvas.addEventListener('pointercancel', () => { drag = undefined })
canvas.addEventListener('keydown', (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && keyed(event.key)) event.preventDefault()
})
canvas.addEventListener('pointermove', (event) => {
  if (!drag) { element('hint').textContent = nearest(event.offsetX, event.offsetY); return }
  const shift = (drag.px - event.offsetX) / (widthOf() - LEFT - 8) * (drag.to - drag.from)
  show(drag.from + shift, drag.to - drag.from)
})
element('filter').addEventListener('input', redraw)
element('frames').addEventListener('change', redraw)
element('faults').addEventListener('change', redraw)
element('in').addEventListener('click', () => zoom(0.5, (from + to) / 2))
element('out').addEventListener('click', () => zoom(2, (from + to) / 2))
element('all').addEventListener('click', () => { from = data.fromMs; to = end; redraw() })
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault())
window.addEventListener('resize', redraw)
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  colours = {}
  hatching = undefined
  redraw()
})
redraw()
`

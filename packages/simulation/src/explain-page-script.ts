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
const LEFT = 64, TOP = 24, BAR = 14, LANE = 64, TICKS = 24, MAX_ROWS = 400, MAX_BARS = 6
const HUES = [130, 210, 300, 30, 180, 260, 80, 340]
const FRAME_COLOURS = { arrived: '#5b7aa0', late: '#e67e00', lost: '#d00000', 'under way': '#bbbbbb' }
const SPREADS = /partition|cut|isolate|seen|flapping|broker/
let from = data.fromMs, to = Math.max(data.toMs, data.fromMs + 0.001)
const bars = stackBars()
const lanesTop = TOP + bars.rows * BAR + 16
const height = lanesTop + data.nodes.length * LANE + TICKS

function stackBars() {
  const ends = []
  const placed = data.spans.filter((span) => span[3] === 'fault').map((span) => {
    let row = ends.findIndex((end) => end <= span[0])
    if (row < 0) row = ends.length < MAX_BARS ? ends.length : MAX_BARS - 1
    ends[row] = Math.max(ends[row] || 0, span[1])
    return { span, row }
  })
  return { placed, rows: ends.length }
}

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
  drawEvents(words)
  if (data.violationMs !== null) rule(x(data.violationMs), '#d00000', 2)
  pen.restore()
  drawNames()
}

function rule(px, colour, width) {
  pen.strokeStyle = colour
  pen.lineWidth = width
  pen.setLineDash([])
  pen.beginPath()
  pen.moveTo(px, TOP)
  pen.lineTo(px, height - TICKS)
  pen.stroke()
}

function drawAxis() {
  const rough = (to - from) / 8
  const power = Math.pow(10, Math.floor(Math.log10(rough)))
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough)
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step))))
  pen.fillStyle = '#555'
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    rule(x(t), '#eeeeee', 1)
    pen.fillText(t.toFixed(digits) + ' ms', x(t) + 2, 10)
  }
}

function drawFault({ span, row }) {
  const [a, b, node, , what] = span
  if (!inView(a, b)) return
  const [left, width] = [x(a), Math.max(2, x(b) - x(a))]
  if (SPREADS.test(what)) {
    pen.fillStyle = 'rgba(220, 80, 60, 0.08)'
    pen.fillRect(left, TOP, width, height - TOP - TICKS)
  }
  pen.fillStyle = '#f3b0a8'
  pen.fillRect(left, TOP + row * BAR, width, BAR - 2)
  label(what + (node < 0 ? '' : ' ' + nameOf(node)), Math.max(left, LEFT) + 2, TOP + row * BAR + BAR / 2 - 1, width)
}

function label(text, px, y, width) {
  if (pen.measureText(text).width > width) return
  pen.fillStyle = '#333'
  pen.fillText(text, px, y)
}

function drawSpan([a, b, node, kind, what, number]) {
  if (kind === 'fault' || node < 0 || !inView(a, b)) return
  const [left, width, top] = [x(a), Math.max(1, x(b) - x(a)), laneY(node) - 10]
  if (kind === 'down') pen.fillStyle = '#444'
  else if (kind === 'paused') pen.fillStyle = hatch()
  else if (what === 'leader') pen.fillStyle = 'hsl(' + HUES[number % HUES.length] + ' 50% 75%)'
  else pen.fillStyle = what.includes('candidate') ? '#f4d58d' : '#eef1f5'
  pen.fillRect(left, top, width, 20)
  if (kind === 'role') label(what + (number > 0 ? ' ' + number : ''), Math.max(left, LEFT) + 2, top - 6, width)
}

let hatching
function hatch() {
  if (hatching) return hatching
  const tile = document.createElement('canvas')
  tile.width = tile.height = 6
  const brush = tile.getContext('2d')
  brush.strokeStyle = '#999'
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
  pen.strokeStyle = '#999'
  data.nodes.forEach((_, i) => {
    pen.beginPath()
    pen.moveTo(LEFT, laneY(i))
    pen.lineTo(widthOf(), laneY(i))
    pen.stroke()
  })
}

function drawNames() {
  pen.fillStyle = '#222'
  pen.font = '600 12px system-ui, sans-serif'
  data.nodes.forEach((name, i) => pen.fillText(name, 6, laneY(i), LEFT - 8))
}

function drawFrame(frame, words) {
  const [a, b, sender, receiver, fate] = frame
  if (sender < 0 || receiver < 0 || !inView(a, b)) return
  pen.globalAlpha = words === '' || frameText(frame).includes(words) ? 1 : 0.08
  pen.strokeStyle = pen.fillStyle = FRAME_COLOURS[fate]
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
  const labelledTo = data.nodes.map(() => 0)
  for (const event of data.events) {
    const [atMs, node, what] = event
    if (node < 0 || atMs < from || atMs > to) continue
    pen.globalAlpha = words === '' || eventText(event).includes(words) ? 1 : 0.1
    const isFrame = what === 'send' || what === 'receive' || what === 'lose'
    const px = x(atMs)
    pen.fillStyle = isFrame ? '#5b7aa0' : what === 'crash' ? '#d00000' : '#222'
    pen.beginPath()
    pen.arc(px, laneY(node), isFrame ? 1.5 : 3, 0, 7)
    pen.fill()
    if (!isFrame && px > labelledTo[node]) {
      pen.fillText(what, px + 2, laneY(node) + 18)
      labelledTo[node] = px + pen.measureText(what).width + 8
    }
    pen.globalAlpha = 1
  }
}

function fillRows() {
  const words = wanted()
  const matching = data.events.filter((e) => e[0] >= from && e[0] <= to && (words === '' || eventText(e).includes(words)))
  const rows = matching.slice(-MAX_ROWS).map((e) => {
    const row = document.createElement('tr')
    const cells = [e[0].toFixed(3), nameOf(e[1]), e[2], nameOf(e[3]), e[4].join(' '), e[5]]
    for (const text of cells) row.appendChild(document.createElement('td')).textContent = text
    return row
  })
  element('rows').replaceChildren(...rows)
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
  from = around - span * share
  to = from + span
  redraw()
}

function nearest(px, y) {
  let best, bestDistance = 8
  const consider = (distance, text) => { if (distance < bestDistance) { bestDistance = distance; best = text } }
  for (const e of data.events) {
    if (e[1] >= 0 && e[0] >= from && e[0] <= to) {
      consider(Math.hypot(x(e[0]) - px, laneY(e[1]) - y), e[0].toFixed(3) + ' ms  ' + nameOf(e[1]) + ' ' + e[2] + ' ' + nameOf(e[3]) + '  ' + e[4].join(' ') + '  ' + e[5])
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
  zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event.offsetX))
}, { passive: false })
canvas.addEventListener('pointerdown', (event) => {
  drag = { px: event.offsetX, from, to }
  canvas.setPointerCapture(event.pointerId)
})
canvas.addEventListener('pointerup', () => { drag = undefined })
canvas.addEventListener('pointermove', (event) => {
  if (!drag) { element('hint').textContent = nearest(event.offsetX, event.offsetY); return }
  const shift = (drag.px - event.offsetX) / (widthOf() - LEFT - 8) * (drag.to - drag.from)
  from = drag.from + shift
  to = drag.to + shift
  redraw()
})
element('filter').addEventListener('input', redraw)
element('frames').addEventListener('change', redraw)
element('faults').addEventListener('change', redraw)
element('in').addEventListener('click', () => zoom(0.5, (from + to) / 2))
element('out').addEventListener('click', () => zoom(2, (from + to) / 2))
element('all').addEventListener('click', () => { from = data.fromMs; to = Math.max(data.toMs, from + 0.001); redraw() })
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault())
window.addEventListener('resize', redraw)
redraw()
`

/** Frames per second, and round trips, between two processes, over whatever transport: what the benches of the adapters share. */
import { cpus } from 'node:os'

const SIZES = [256, 65_536]
const RUNS = 5
const MIN_RUN_MS = 1_000
const ROUND_TRIPS = 5_000
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** The other process: counts what comes in, and echoes on request. */
export async function answerFrames(transport) {
  let frames = 0
  transport.listen('count', () => {
    frames++
  })
  transport.listen('total', (_frame, from) =>
    transport.send(from, 'total', new Uint8Array(Float64Array.of(frames).buffer)),
  )
  transport.listen('echo', (frame, from) => transport.send(from, 'echo', frame))
  await transport.start()
}

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]

/** Resolves with the next frame on a channel. */
const nextFrame = (transport, channel) =>
  new Promise((resolve) => {
    const end = transport.listen(channel, (frame) => {
      end()
      resolve(frame)
    })
  })

async function askTotal(transport) {
  const answer = nextFrame(transport, 'total')
  while (!transport.send({ id: 'sink' }, 'total', new Uint8Array(0))) await nextTurn()
  return new Float64Array((await answer).slice().buffer)[0]
}

/** Sends for a while, pausing when the queue is full; the answer to `total` arrives behind all that was sent. */
async function measureRate(transport, bytes) {
  const frame = new Uint8Array(bytes)
  const before = await askTotal(transport)
  const startMs = performance.now()
  let sent = 0
  while (performance.now() - startMs < MIN_RUN_MS) {
    for (let i = 0; i < 64; i++) if (transport.send({ id: 'sink' }, 'count', frame)) sent++
    await nextTurn()
  }
  const received = (await askTotal(transport)) - before
  return { perSecond: (received * 1_000) / (performance.now() - startMs), lost: sent - received }
}

async function measureRoundTrips(transport, bytes) {
  const frame = new Uint8Array(bytes)
  const tookUs = []
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const answer = nextFrame(transport, 'echo')
    const startMs = performance.now()
    transport.send({ id: 'sink' }, 'echo', frame)
    await answer
    tookUs.push((performance.now() - startMs) * 1_000)
  }
  return tookUs.slice(500)
}

/** Prints what a transport does that has started, towards the process `sink`. */
export async function measureFrames(transport, over) {
  console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.versions.node}, ${over} on loopback`)
  console.log('frame bytes | frames/s median (min to max) | MB/s | lost | round trip p50 us | p99 us')
  for (const bytes of SIZES) {
    await measureRate(transport, bytes)
    const runs = []
    for (let run = 0; run < RUNS; run++) runs.push(await measureRate(transport, bytes))
    const rates = runs.map((run) => Math.round(run.perSecond))
    const rate = quantile(rates, 0.5)
    const trips = await measureRoundTrips(transport, bytes)
    const lost = runs.reduce((sum, run) => sum + run.lost, 0)
    const spread = `${rate} (${Math.min(...rates)} to ${Math.max(...rates)})`
    const roundTrip = `${Math.round(quantile(trips, 0.5))} | ${Math.round(quantile(trips, 0.99))}`
    console.log(`${bytes} | ${spread} | ${Math.round((rate * bytes) / 1e6)} | ${lost} | ${roundTrip}`)
  }
}

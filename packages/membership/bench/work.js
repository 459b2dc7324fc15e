/**
 * What one member does in a second of its own time, in clusters of different sizes: processor time, frames and bytes, quiet and under
 * churn. One core runs; all others are played, and answer at once. Build first, then run `node bench/work.js`.
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { encodeMessage } from '../dist/core/codec.js'
import { MembershipCore } from '../dist/core/membership-core.js'
import { resolveOptions } from '../dist/options.js'

const SIZES = [16, 128, 1_000, 4_000]
const SECONDS = Number(process.env.BENCH_SECONDS ?? 60)
/** Members that die and come back in each second, in the rows with churn. */
const CHURN = 5
const far = { id: 'far', generation: 1 }

/** @param {string} id @param {number} incarnation @param {'alive' | 'dead'} state */
const record = (id, incarnation, state) => ({
  id,
  generation: 1,
  incarnation,
  state,
  metadata: /** @type {const} */ ([['address', `10.0.0.1:${id}`]]),
  nonce: 7,
})

/** @param {number} size @param {number} churn */
function measure(size, churn) {
  const options = resolveOptions({ cluster: 'bench', maxMembers: 10_000 })
  const self = { id: 'me', generation: 1 }
  const core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  /** @param {ReturnType<typeof record>} about @param {number} nowMs */
  const hear = (about, nowMs) => core.receive({ kind: 'gossip', rumors: [{ record: about, ageMs: 0 }] }, far, nowMs)
  for (let i = 1; i < size; i++) hear(record(`n${i}`, 0, 'alive'), 1)
  let nowMs = 1
  let frames = 0
  let bytes = 0
  let incarnation = 0
  /** @param {number} forMs */
  const run = (forMs) => {
    const endMs = nowMs + forMs
    let churnMs = nowMs
    while (nowMs < endMs) {
      nowMs = Math.min(core.deadlineMs() ?? endMs, endMs)
      for (const effect of core.tick(nowMs)) {
        if (effect.type !== 'send') continue
        frames += 1
        bytes += encodeMessage(effect.message, 'bench', effect.header).length
        const { message, to } = effect
        if (message.kind === 'ping') {
          core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, { id: to.id, generation: 1 }, nowMs)
        }
      }
      if (churn > 0 && nowMs >= churnMs + 1_000) {
        churnMs = nowMs
        incarnation += 1
        for (let i = 1; i <= churn; i++) {
          const id = `n${1 + ((incarnation * churn + i) % (size - 1))}`
          hear(record(id, 2 * incarnation, 'dead'), nowMs)
          hear(record(id, 2 * incarnation + 1, 'alive'), nowMs)
        }
      }
    }
  }
  // Until the news of the beginning is told.
  run(120_000)
  frames = 0
  bytes = 0
  const begun = process.cpuUsage()
  run(SECONDS * 1_000)
  const { user, system } = process.cpuUsage(begun)
  return {
    members: size,
    'changes a second': churn,
    'processor, µs a second': Math.round((user + system) / SECONDS),
    'frames a second': (frames / SECONDS).toFixed(1),
    'bytes a second': Math.round(bytes / SECONDS),
  }
}

measure(128, CHURN)
const rows = [0, CHURN].flatMap((churn) => SIZES.map((size) => measure(size, churn)))
const commit = (() => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
})()
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, commit ${commit}, ${SECONDS} s each`)
console.table(rows)

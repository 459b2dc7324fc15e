// Median and p99 of one commit to the write-ahead log, with 1, 100 and 1,000 records of 256 bytes in it, beside the same
// durable write without the log. Build first, then: node bench/append.mjs [directory]
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRuntime } from '@dsys/runtime'
import { FileLogStorage, nodeDisk } from '@dsys/storage-file'

const COMMITS = 1_000
const RECORD = new Uint8Array(256).fill(7)
const root = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'dsys-bench-'))

/** Durations of `count` calls, in microseconds, shortest first. */
async function measure(count, call) {
  const durations = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await call(i)
    durations.push((performance.now() - start) * 1_000)
  }
  return durations.sort((a, b) => a - b)
}

const at = (sorted, share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])
const rows = []

async function compare(name, records, commit) {
  const disk = nodeDisk(root)
  const bytes = new Uint8Array(Math.ceil((45 + records * (RECORD.length + 13)) / 8) * 8).fill(7)
  const file = await disk.open(`raw-${rows.length}`, { create: true, durableWrites: true })
  const span = 16 * 1024 * 1024
  await file.write(0, new Uint8Array(span))
  const slots = Math.floor(span / bytes.length)
  const raw = await measure(COMMITS, (i) => file.write((i % slots) * bytes.length, bytes))
  await file.close()
  const log = await measure(COMMITS, commit)
  rows.push({
    commit: name,
    'p50 µs': at(log, 0.5),
    'p99 µs': at(log, 0.99),
    'raw p50 µs': at(raw, 0.5),
    'raw p99 µs': at(raw, 0.99),
    'log / raw': (at(log, 0.5) / at(raw, 0.5)).toFixed(2),
  })
}

const storage = new FileLogStorage(systemRuntime(), { directory: join(root, 'log') })
await storage.start()
const logs = await Promise.all(Array.from({ length: 100 }, (_, i) => storage.openGroup(`g${i}`)))
const ends = logs.map(() => 0)
const entries = (group, count) =>
  Array.from({ length: count }, () => ({ index: ++ends[group], term: 1, kind: 0, data: RECORD }))

await compare('1 record', 1, () => logs[0].persist({ entries: entries(0, 1) }))
await compare('100 records, one write', 100, () => logs[0].persist({ entries: entries(0, 100) }))
await compare('100 writes, one group', 100, () =>
  Promise.all(Array.from({ length: 100 }, () => logs[0].persist({ entries: entries(0, 1) }))),
)
await compare('100 writes, 100 groups', 100, () =>
  Promise.all(logs.map((log, group) => log.persist({ entries: entries(group, 1) }))),
)
await storage.stop()
await rm(root, { recursive: true })

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname })
  .toString()
  .trim()
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0].model}, commit ${commit}, ${COMMITS} commits per row`,
)
console.table(rows)

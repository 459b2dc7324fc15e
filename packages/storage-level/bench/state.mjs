// Writes, reads and a scan of 256-byte values. Build first, then: node bench/state.mjs [directory]
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRuntime } from '@dsys/runtime'
import { LevelStateStorage } from '@dsys/storage-level'

const SECONDS = 2
const root = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'dsys-bench-'))
const storage = new LevelStateStorage(systemRuntime(), { directory: root })
await storage.start()
const value = Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 167) & 255))
let count = 0
const key = (i) => Buffer.from(`k${String((i * 7919) % 1000003).padStart(10, '0')}${i}`)
const rows = []

async function measure(name, callers, keysPerCall, call) {
  const durations = []
  const start = performance.now()
  const worker = async () => {
    while (performance.now() - start < SECONDS * 1_000) {
      const before = performance.now()
      await call()
      durations.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: callers }, worker))
  const elapsed = (performance.now() - start) / 1_000
  durations.sort((a, b) => a - b)
  const at = (share) => durations[Math.floor(durations.length * share)].toFixed(2)
  const perSecond = Math.round((durations.length * keysPerCall) / elapsed)
  rows.push({
    what: name,
    'keys/s': perSecond,
    'p50 ms': at(0.5),
    'p99 ms': at(0.99),
    'max ms': durations.at(-1).toFixed(1),
  })
}

for (const durable of [true, false]) {
  for (const [callers, size] of [
    [1, 1],
    [64, 1],
    [1, 64],
    [1, 1_000],
  ]) {
    const batch = () => Array.from({ length: size }, () => ({ type: 'put', key: key(count++), value }))
    const name = `${durable ? 'durable' : 'written'}, ${callers} callers, batches of ${size}`
    await measure(name, callers, size, () => storage.write(batch(), { durable }))
  }
}
let read = 0
for (const callers of [1, 64]) {
  await measure(`reads, ${callers} callers`, callers, 1, () => storage.get(key((read++ * 104_729) % count)))
}
const start = performance.now()
let pairs = 0
for await (const _ of storage.entries()) pairs++
rows.push({ what: 'scan', 'keys/s': Math.round((pairs / (performance.now() - start)) * 1_000) })
await storage.stop()
await rm(root, { recursive: true })
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0].model}, ${pairs} keys of ${value.length} bytes`)
console.table(rows)

import { deepEqual, equal } from 'node:assert/strict'
import { type Meter, SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { FileLogStorage } from '@dsys/storage-file'
import { type DiskGate, MemoryDisk } from '@dsys/storage-memory'
import { test } from 'vitest'
import { entry } from './storage-on-memory.ts'

test('the time of each durable write, how many writes shared it, and its bytes are measured', async () => {
  const clock = new VirtualClock()
  const values: Record<string, number[]> = {}
  const units: Record<string, string | undefined> = {}
  const series = (name: string, options?: { readonly unit?: string }): ((value: number) => void) => {
    units[name] = options?.unit
    values[name] = []
    return (value) => void values[name]?.push(value)
  }
  const meter: Meter = {
    counter: (name, options) => ({ add: series(name, options) }),
    gauge: (name, options) => ({ set: series(name, options) }),
    histogram: (name, options) => ({ record: series(name, options) }),
  }
  let slow = false
  const gate: DiskGate = async (operation, effect) => {
    if (slow && operation.type === 'write' && operation.path.startsWith('n/wal/')) {
      await new Promise<void>((resolve) => void clock.setTimer(7, resolve))
    }
    return effect('done')
  }
  const runtime = systemRuntime({ random: new SeededRandom(1), clock, meter })
  const disk = new MemoryDisk(new SeededRandom(1)).mount({ gate })
  const storage = new FileLogStorage({ ...runtime, disk }, { directory: 'n', segmentBytes: 4_096 })
  await storage.start()
  const log = await storage.openGroup('g')
  await log.persist({ entries: [entry(1)] })
  slow = true
  const writes = [2, 3, 4].map((index) => log.persist({ entries: [entry(index)] }))
  await clock.advanceAsync(20)
  await Promise.all(writes)
  slow = false
  await storage.stop()
  deepEqual(units, {
    dsys_storage_sync_ms: 'ms',
    dsys_storage_batch_writes: undefined,
    dsys_storage_written_bytes: 'bytes',
  })
  deepEqual(
    [values.dsys_storage_sync_ms, values.dsys_storage_batch_writes],
    [
      [0, 7],
      [1, 3],
    ],
  )
  equal(
    values.dsys_storage_written_bytes?.every((bytes) => bytes > 0 && bytes % 8 === 0),
    true,
  )
})

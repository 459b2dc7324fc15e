import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { checksumOf } from '../src/checksum.ts'
import { type TestNode, testCluster } from '../src/index.ts'
import { SimLinks } from '../src/network/links.ts'
import { firstDifference, runDifference } from '../src/run-difference.ts'
import { Scheduler } from '../src/scheduler.ts'
import { Trace } from '../src/trace.ts'
import { CALM } from './network/links-world.ts'

test('a checksum tells bytes apart, wherever they differ, and how many there are', () => {
  const bytes = new SeededRandom(1).bytes(70)
  const sums = new Set([checksumOf(bytes), checksumOf(bytes.subarray(1)), checksumOf(new Uint8Array(0))])
  for (let length = 0; length < 9; length++) sums.add(checksumOf(new Uint8Array(length + 1)))
  for (let i = 0; i < bytes.length; i++) sums.add(checksumOf(bytes.map((byte, at) => (at === i ? byte ^ 1 : byte))))
  expect(sums.size).toBe(3 + 9 + bytes.length)
  expect(checksumOf(new Uint8Array(bytes))).toBe(checksumOf(bytes))
})

/** What a service does with a byte that differs in two runs, and nothing else does. */
const DOINGS: Readonly<Record<string, (node: TestNode, byte: number) => unknown>> = {
  'sends it': ({ transport }, byte) => void transport.send({ id: 'n2' }, 'talk', Uint8Array.of(1, byte)),
  'sends it to all': ({ transport }, byte) => void transport.broadcast('talk', Uint8Array.of(byte, 1)),
  'writes it to a file': async ({ disk }, byte) => {
    const file = await disk.open('notes', { create: true })
    await file.write(0, Uint8Array.of(1, 2, byte))
    await file.close()
  },
  'names a file after it': ({ disk }, byte) => disk.open(`notes-${byte}`, { create: true }),
  'keeps it': ({ state }, byte) => state.write([{ type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(byte) }]),
  'keeps something under it': ({ state }, byte) => state.write([{ type: 'delete', key: Uint8Array.of(byte) }]),
}

async function run(byte: number, doing: (typeof DOINGS)[string]) {
  const start = async (node: TestNode) => {
    if (node.id === 'n1') await doing(node, byte)
    return { stop: async () => undefined }
  }
  await using cluster = await testCluster({ nodes: 2, start })
  await cluster.advance('1s')
  return cluster.result()
}

describe('two runs in which a service', () => {
  test.each(Object.entries(DOINGS))('%s have another hash where the byte differs alone', async (_, doing) => {
    const [first, same, other] = [await run(1, doing), await run(1, doing), await run(2, doing)]
    expect(runDifference(first, same)).toBeUndefined()
    expect(firstDifference(first.trace, same.trace)).toBeUndefined()
    expect(other.steps).toBe(first.steps)
    expect(runDifference(first, other)).toContain(other.hash)
    expect(firstDifference(first.trace, other.trace)).toMatch(/n1, (send|disk\.\w+|state\.write)/)
  })
})

test('links of objects have a digest of their own, which is told with the frame as it is sent', () => {
  const hashOf = (payload: number, digest: boolean): string => {
    const [scheduler, trace] = [new Scheduler(), new Trace()]
    const ports = { scheduler, random: new SeededRandom(1), knobs: CALM, count: () => undefined, trace }
    const links = new SimLinks<number>(digest ? { ...ports, digest: (sent) => sent } : ports, () => undefined)
    links.send('a', 'b', payload)
    scheduler.run(10)
    return trace.hash
  }
  expect(hashOf(1, true)).toBe(hashOf(1, true))
  expect(hashOf(1, true)).not.toBe(hashOf(2, true))
  expect(hashOf(1, false)).toBe(hashOf(2, false))
})

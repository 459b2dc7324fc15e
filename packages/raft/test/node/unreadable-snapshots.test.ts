import { SeededRandom } from '@dsys/runtime'
import { expect, test } from 'vitest'
import type { StateMachine } from '../../src/machine.ts'
import { SnapshotRefusals } from '../../src/snapshot-refusals.ts'
import { Cluster } from './support/cluster.ts'
import { type Blobs, blobs, type PutBlob } from './support/machines.ts'

const BLOB = 'x'.repeat(4 * 1_024)

/** Cannot read what the others write, as long as `isOld`. */
function older(isOld: () => boolean): StateMachine<Blobs, PutBlob, number> {
  const { snapshot } = blobs
  if (snapshot === undefined) throw new Error('blobs are written in parts')
  const decoder = () => {
    const inner = snapshot.decoder()
    const add = (part: Uint8Array): void => {
      if (isOld()) throw new Error('this part is of a later version')
      inner.add(part)
    }
    return { ...inner, add }
  }
  return { ...blobs, snapshot: { ...snapshot, decoder } }
}

test('a snapshot that its receiver can never read is sent ever more rarely, both say so, and it is installed once it can be read', async () => {
  const raft = { snapshotEveryBytes: 64 * 1_024, keepEntries: 2, electionTimeoutMs: 300 }
  await using cluster = await Cluster.start(blobs, { raft, network: { maxFrameBytes: 16 * 1_024 } })
  const leader = await cluster.elected()
  const [old = ''] = cluster.followers()
  cluster.crash(old)
  await cluster.advance(1_500)
  for (let i = 0; i < 40; i++) await cluster.run(cluster.node(leader).propose({ key: `k${i}`, blob: BLOB }))
  let isOld = true
  await cluster.run(
    cluster.start(
      old,
      older(() => isOld),
    ),
  )
  let attempts = 0
  cluster.filter = (_from, to, message) => {
    if (to === old && message.type === 'snapshot-chunk' && message.offset === 0) attempts++
    return true
  }
  await cluster.advance(1_000)
  // What was damaged on its way, if it was that, is sent again soon.
  expect(attempts).toBeGreaterThanOrEqual(2)
  await cluster.advance(90_000)
  const early = attempts
  expect(early).toBeLessThan(14)
  await cluster.advance(120_000)
  // From 19 to 38 seconds after each other.
  expect(attempts - early).toBeGreaterThanOrEqual(3)
  expect(attempts - early).toBeLessThanOrEqual(7)

  const { events } = cluster.life(old)
  const refused = events.filter(({ type }) => type === 'SnapshotRefused')
  expect(refused.length).toBe(attempts)
  expect(refused.slice(0, 2)).toMatchObject([
    { from: leader, times: 1, error: { message: 'this part is of a later version' } },
    { from: leader, times: 2 },
  ])
  expect(cluster.node(leader).explain().findings).toMatchObject([
    { code: 'snapshot-refused', evidence: { id: old, times: attempts } },
  ])
  expect(cluster.node(old).explain().text).toContain('cannot be read here')
  expect(
    cluster
      .node(old)
      .explain()
      .findings.map(({ code }) => code),
  ).toContain('snapshot-unreadable')
  expect(cluster.logged.filter(({ level }) => level === 'error')).toEqual([])
  // The group goes on without it.
  await cluster.run(cluster.node(leader).propose({ key: 'meanwhile', blob: BLOB }))

  isOld = false
  await cluster.waitFor('the snapshot', () => events.some(({ type }) => type === 'SnapshotInstalled'), 40_000)
  await cluster.converged()
  await cluster.advance(1_000)
  for (const id of cluster.ids) expect(cluster.node(id).explain().findings).toEqual([])
})

test('the waits double up to a bound, are drawn, and begin anew with who has caught up or is no member', () => {
  const refusals = new SnapshotRefusals(new SeededRandom(3), 100)
  const waits = Array.from({ length: 10 }, () => refusals.add('n2', 50, 1_000).dueMs - 1_000)
  for (const [i, wait] of waits.entries()) {
    const shortest = 100 * 2 ** Math.min(i, 6)
    expect(wait).toBeGreaterThanOrEqual(shortest)
    expect(wait).toBeLessThan(2 * shortest)
  }
  expect(new Set(waits.slice(6)).size).toBe(4)
  const last = waits[9] as number
  expect(refusals.holdsBack('n2', 1_000 + last - 1)).toBe(true)
  expect(refusals.holdsBack('n2', 1_000 + last)).toBe(false)
  expect(refusals.holdsBack('n3', 1_000)).toBe(false)
  refusals.forget(() => 49)
  expect(refusals.seen(1_000).get('n2')).toEqual({ index: 50, times: 10, inMs: last })
  refusals.forget((id) => (id === 'n2' ? 50 : 0))
  expect(refusals.add('n2', 60, 0).times).toBe(1)
  refusals.forget(() => undefined)
  expect(refusals.seen(0).size).toBe(0)
})

import { describe, expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { Freshness } from '../src/core/freshness.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { FrameHeader } from '../src/core/message.ts'
import type { MemberRecord } from '../src/core/record.ts'
import { commonVersion, type VersionRange } from '../src/core/versions.ts'
import { resolveOptions } from '../src/options.ts'
import { Simulation } from './simulation.ts'

const n1 = { id: 'n1', generation: 1 }
const ids = ['n1', 'n2', 'n3', 'n4']
type Sent = Extract<Effect, { type: 'send' }>
const sent = (effects: readonly Effect[]): Sent[] => effects.filter((effect) => effect.type === 'send')

function newCore(versions?: VersionRange): MembershipCore {
  const options = resolveOptions({ cluster: 'test', rememberDeadMs: 600_000 })
  const self = { id: 'me', generation: 5 }
  const parts = { ...options, self, nonce: 9, seed: 1, canBroadcast: false, maxFrameBytes: 65_536, versions }
  const core = new MembershipCore(parts)
  core.connection(true, 0)
  core.join(0)
  return core
}

const alive = (id: string, more: Partial<MemberRecord> = {}): MemberRecord => {
  return { id, generation: 1, incarnation: 0, state: 'alive', metadata: [], ...more }
}

function mixed(ranges: readonly VersionRange[]): Simulation {
  const simulation = new Simulation({ seed: 3 })
  for (const [i, versions] of ranges.entries()) simulation.start(`n${i + 1}`, 1, {}, versions)
  return simulation
}

const warnings = (simulation: Simulation, id: string): string[] =>
  simulation.node(id).others.flatMap((effect) => (effect.type === 'warning' ? [effect.message] : []))

describe('versions of the protocol', () => {
  test('the highest that both speak is used', () => {
    expect(commonVersion({ min: 2, max: 5 }, { min: 3, max: 4 })).toBe(4)
    expect(commonVersion({ min: 3, max: 3 }, { min: 2, max: 3 })).toBe(3)
    expect(commonVersion({ min: 2, max: 3 }, { min: 4, max: 9 })).toBeUndefined()
  })

  test('M-28: a node says what it speaks, writes to each in the highest version of both, and to strangers in its lowest', () => {
    const core = newCore({ min: 2, max: 6 })
    const asked = core.receive({ kind: 'hello', answers: 0, joined: false, rumors: [] }, { id: 'n9', generation: 1 }, 1)
    expect(sent(asked)[0]?.header).toMatchObject({ version: 2, versions: { min: 2, max: 6 }, nonce: 9 })
    expect(sent(asked)[0]?.message.rumors[0]?.record).toMatchObject({ nonce: 9, versions: { min: 2, max: 6 } })
    const record = alive('n1', { versions: { min: 4, max: 5 } })
    const answered = core.receive({ kind: 'ping', seq: 1, generation: 5, rumors: [{ record, ageMs: 0 }] }, n1, 2)
    expect(sent(answered).map(({ header }) => header.version)).toEqual([5])
  })

  test('M-28: nodes of different ranges that have a version in common form one cluster, whoever comes first', () => {
    const low = { min: 2, max: 3 }
    const high = { min: 3, max: 4 }
    for (const ranges of [
      [low, high, low, high],
      [high, low, high, low],
    ]) {
      const simulation = mixed(ranges)
      simulation.run(20_000, () => simulation.agrees(ids))
      expect(simulation.agrees(ids)).toBe(true)
    }
  })

  test('M-28: nodes without a version in common report and answer each other once, and their frames do not multiply', () => {
    const simulation = mixed([
      { min: 2, max: 2 },
      { min: 3, max: 3 },
    ])
    simulation.run(30_000)
    expect(warnings(simulation, 'n1')).toEqual(['a node speaks no version of the protocol that this one does'])
    expect(warnings(simulation, 'n2')).toEqual(['a node speaks no version of the protocol that this one does'])
    const before = simulation.frames
    simulation.run(30_000)
    // One of them has a seed, which it goes on asking.
    expect(simulation.frames - before).toBeLessThan(20)
    expect(simulation.node('n1').core.members()).toHaveLength(1)
  })

  test('M-28: what a later version says in a record is passed on unread', () => {
    const core = newCore()
    const unknown = [{ tag: 40, bytes: Uint8Array.of(1, 2, 3) }]
    const record = alive('n1', { nonce: 3, versions: { min: 2, max: 7 }, unknown })
    core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, n1, 1)
    const told = sent(
      core.receive({ kind: 'hello', answers: 0, joined: false, rumors: [] }, { id: 'n2', generation: 1 }, 2),
    )
    const rumors = told.flatMap(({ message }) => message.rumors)
    expect(rumors.find((rumor) => rumor.record.id === 'n1')?.record).toEqual(record)
  })
})

describe('frames that were held up', () => {
  const says = (sequence: number, nonce = 7): FrameHeader => {
    return { version: 2, versions: { min: 2, max: 2 }, nonce, sequence }
  }

  test('M-38: a frame that another one overtook longer ago than the greatest age is refused, and no other', () => {
    const freshness = new Freshness(1_000)
    for (let i = 1; i <= 30; i++) expect(freshness.isExpired(n1, says(10 * i), 100 * i)).toBe(false)
    // 200 arrived at 2,000: what was sent before it is old at 3,100 or later.
    expect(freshness.isExpired(n1, says(295), 3_100)).toBe(false)
    expect(freshness.isExpired(n1, says(205), 3_100)).toBe(false)
    expect(freshness.isExpired(n1, says(5), 3_100)).toBe(true)
    expect(freshness.isExpired(n1, says(301), 600_000)).toBe(false)
  })

  test('M-38: one that comes out of order does not make those behind it look fresh again', () => {
    const freshness = new Freshness(1_000)
    const expired = (sequence: number, nowMs: number): boolean => freshness.isExpired(n1, says(sequence), nowMs)
    expect([expired(300, 0), expired(10, 500), expired(301, 1_000), expired(302, 2_000)]).toEqual(Array(4).fill(false))
    expect([expired(20, 2_001), expired(300, 2_002), expired(301, 2_003)]).toEqual([true, true, false])
  })

  test('M-38: another process, and one that does not count, is measured by itself', () => {
    const used = (): Freshness => {
      const freshness = new Freshness(1_000)
      for (let i = 1; i <= 30; i++) freshness.isExpired(n1, says(10 * i), 100 * i)
      return freshness
    }
    expect(used().isExpired(n1, says(5), 3_100)).toBe(true)
    expect(used().isExpired(n1, says(0), 3_100)).toBe(false)
    expect(used().isExpired({ ...n1, generation: 2 }, says(5), 3_100)).toBe(false)
    expect(used().isExpired(n1, says(5, 8), 3_100)).toBe(false)
    const forgetful = used()
    forgetful.forget('n1')
    expect(forgetful.isExpired(n1, says(5), 3_100)).toBe(false)
  })

  test('M-38: a frame that is refused changes nothing and is counted', () => {
    const core = newCore()
    core.receive({ kind: 'gossip', rumors: [{ record: alive('n1'), ageMs: 0 }] }, n1, 1, says(10))
    for (let nowMs = 1; nowMs < 120_000; nowMs += 1_000)
      core.receive({ kind: 'gossip', rumors: [] }, n1, nowMs, says(100 + nowMs))
    const late = { kind: 'gossip', rumors: [{ record: alive('n3'), ageMs: 0 }] } as const
    expect(core.receive(late, n1, 120_000, says(11))).toEqual([{ type: 'count', what: 'expired-frame' }])
    expect(core.member('n3')).toBeUndefined()
    core.receive(late, n1, 120_000, says(119_990))
    expect(core.member('n3')).toBeDefined()
  })
})

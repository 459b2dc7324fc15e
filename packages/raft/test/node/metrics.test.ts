import { readFileSync } from 'node:fs'
import { OverloadedError } from '@dsys/raft'
import type { Meter, MetricOptions } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

/** Keeps all that it is told, by name and labels but that of the group. */
class KeepingMeter implements Meter {
  readonly values = new Map<string, number[]>()
  readonly names = new Set<string>()

  #key(name: string, { labels = {} }: MetricOptions = {}): string {
    this.names.add(name)
    expect(labels.group).toBe('test')
    const rest = Object.entries(labels).filter(([label]) => label !== 'group')
    return [name.replace('dsys_raft_', ''), ...rest.map(([label, value]) => `${label}=${value}`)].join(' ')
  }

  #add(key: string, value: number): void {
    this.values.set(key, [...(this.values.get(key) ?? []), value])
  }

  counter(name: string, options?: MetricOptions): { add(amount: number): void } {
    const key = this.#key(name, options)
    return { add: (amount) => this.values.set(key, [this.last(key, 0) + amount]) }
  }

  gauge(name: string, options?: MetricOptions): { set(value: number): void; remove(): void } {
    const key = this.#key(name, options)
    return { set: (value) => this.#add(key, value), remove: () => void this.values.delete(key) }
  }

  histogram(name: string, options?: MetricOptions): { record(value: number): void } {
    const key = this.#key(name, options)
    return { record: (value) => this.#add(key, value) }
  }

  last(key: string, otherwise = Number.NaN): number {
    return this.values.get(key)?.at(-1) ?? otherwise
  }

  all(key: string): readonly number[] {
    return this.values.get(key) ?? []
  }
}

const NETWORK = { link: { minDelayMs: 10, maxDelayMs: 10 } }
const DISK_MS = 4

describe('metrics', () => {
  test('tell of term, leader, indices and the stages of proposals, on each node what it knows', async () => {
    const meters = new Map<string, KeepingMeter>()
    const meterOf = (id: string): KeepingMeter => meters.get(id) as KeepingMeter
    await using cluster = await Cluster.start(counter, {
      network: NETWORK,
      meter: (id) => {
        meters.set(id, new KeepingMeter())
        return meterOf(id)
      },
      sync: (_id, clock) =>
        new Promise((resolve) => {
          clock.setTimer(DISK_MS, resolve)
        }),
    })
    const leader = await cluster.elected()
    for (let i = 0; i < 5; i++) await cluster.run(cluster.node(leader).propose({ id: `w${i}`, by: 1 }))
    await cluster.converged()
    await cluster.advance(300)
    const meter = meterOf(leader)
    const { term, lastIndex } = cluster.node(leader).status()
    for (const id of cluster.ids) {
      expect(meterOf(id).last('term')).toBe(term)
      expect(meterOf(id).last('is_leader', 0)).toBe(id === leader ? 1 : 0)
      expect(meterOf(id).last('has_leader')).toBe(1)
      for (const index of ['last_index', 'commit_index', 'applied_index'])
        expect(meterOf(id).last(index)).toBe(lastIndex)
      expect(meterOf(id).last('waiting_proposals')).toBe(0)
      expect(meterOf(id).last('leader_changes')).toBe(1)
      for (const written of meterOf(id).all('write_ms')) expect(written).toBeGreaterThan(DISK_MS - 0.001)
    }
    expect(meter.last('elections')).toBeGreaterThanOrEqual(1)
    // The own disk, then a round trip and the disk of a follower; what is applied is so in the same turn.
    const stages = (name: string): readonly number[] => meter.all(`proposal_stage_ms stage=${name}`)
    expect(stages('durable').length).toBeGreaterThanOrEqual(5)
    for (const durable of stages('durable')) expect(durable).toBeCloseTo(DISK_MS)
    expect(stages('committed').at(-1)).toBeCloseTo(2 * 10 + DISK_MS)
    expect(stages('applied')).toEqual(stages('committed'))
    expect(stages('handed-over').length).toBeGreaterThanOrEqual(5)
    expect(meter.all('proposal_ms').at(-1)).toBeCloseTo(2 * 10 + DISK_MS)
    expect(meter.all('apply_entries').reduce((sum, entries) => sum + entries, 0)).toBe(lastIndex)
    expect(meter.all('apply_ms').every((took) => took === 0)).toBe(true)
    for (const id of cluster.followers()) {
      expect(meter.last(`follower_lag_entries follower=${id}`)).toBe(0)
      expect(meter.last(`follower_silent_ms follower=${id}`)).toBeLessThanOrEqual(120)
    }
  })

  test('tell how far a follower is behind, until it leaves or another node leads', async () => {
    const meters = new Map<string, KeepingMeter>()
    await using cluster = await Cluster.start(counter, {
      network: NETWORK,
      meter: (id) => {
        const meter = new KeepingMeter()
        meters.set(id, meter)
        return meter
      },
    })
    const leader = await cluster.elected()
    const meter = meters.get(leader) as KeepingMeter
    const [away = '', other = ''] = cluster.followers()
    await cluster.advance(300)
    cluster.network.partition([away], [leader, other])
    for (let i = 0; i < 7; i++) await cluster.run(cluster.node(leader).propose({ id: `w${i}`, by: 1 }))
    await cluster.advance(700)
    expect(meter.last(`follower_lag_entries follower=${away}`)).toBeGreaterThanOrEqual(7)
    expect(meter.last(`follower_silent_ms follower=${away}`)).toBeGreaterThanOrEqual(700)
    expect(meter.last(`follower_phi follower=${away}`)).toBeGreaterThan(8)
    expect(meter.last(`follower_phi follower=${other}`)).toBeLessThan(1)
    await cluster.run(cluster.node(leader).reconfigure({ voters: [leader, other] }))
    await cluster.advance(15_000)
    expect([...meter.values.keys()].filter((key) => key.endsWith(`follower=${away}`))).toEqual([])
    expect(meter.last(`follower_lag_entries follower=${other}`)).toBe(0)
    await cluster.run(cluster.node(leader).transferLeadership({ to: other }))
    await cluster.advance(300)
    expect([...meter.values.keys()].filter((key) => key.includes('follower='))).toEqual([])
    expect(meter.last('is_leader')).toBe(0)
    expect(meters.get(other)?.last('is_leader')).toBe(1)
  })

  test('count reads, refusals and frames that cannot be read, and measure snapshots', async () => {
    const meter = new KeepingMeter()
    await using cluster = await Cluster.start(counter, {
      size: 1,
      meter: () => meter,
      raft: { maxPending: 2, snapshotEveryBytes: 2_048, leaseClockDrift: 0.01 },
    })
    await cluster.elected()
    const node = cluster.node('n1')
    const total = ({ total: sum }: { total: number }): number => sum
    for (const consistency of ['linearizable', 'linearizable', 'follower', 'lease', 'stale'] as const)
      await cluster.run(node.read(total, { consistency }))
    await cluster.run(node.read(total, { consistency: 'bounded', maxStalenessMs: 10 }))
    expect(meter.last('reads consistency=linearizable')).toBe(2)
    for (const kind of ['follower', 'lease', 'stale', 'bounded'])
      expect(meter.last(`reads consistency=${kind}`)).toBe(1)
    expect(meter.all('read_ms consistency=linearizable').length).toBeGreaterThanOrEqual(3)
    expect(meter.all('read_ms consistency=lease')).toHaveLength(1)
    await expect(node.read(total, { consistency: 'stael' as 'stale' })).rejects.toThrow(
      'consistency must be one of linearizable, follower, lease, bounded, stale, got stael',
    )
    const calls = [1, 2, 3].map((i) => node.propose({ id: `w${i}`, by: 1 }))
    await expect(calls[2]).rejects.toBeInstanceOf(OverloadedError)
    await cluster.run(Promise.all(calls.slice(0, 2)))
    expect(meter.last('overloads what=proposals')).toBe(1)
    const reads = [1, 2, 3].map(() => node.read(total))
    await expect(reads[2]).rejects.toBeInstanceOf(OverloadedError)
    await cluster.run(Promise.all(reads.slice(0, 2)))
    expect(meter.last('overloads what=reads')).toBe(1)
    for (let i = 0; i < 60; i++) await cluster.run(node.propose({ id: `filler ${i}`, by: 1 }))
    await cluster.waitFor('a snapshot', () => meter.all('snapshot_bytes kind=taken').length > 0)
    expect(meter.last('snapshot_bytes kind=taken')).toBeGreaterThan(500)
    expect(meter.last('snapshot_ms kind=taken')).toBeGreaterThanOrEqual(0)
    expect(meter.last('snapshot_index')).toBe(node.status().snapshotIndex)
    const stranger = cluster.network.endpoint('stranger')
    await stranger.start()
    stranger.send({ id: 'n1' }, 'raft-test', Uint8Array.of(255))
    await cluster.advance(100)
    expect(meter.last('dropped_frames')).toBe(1)
    await cluster.run(node.stop())
    expect([meter.last('is_leader'), meter.last('has_leader')]).toEqual([0, 0])
  })

  test('are in the README, every one, and begin with dsys_raft_', async () => {
    const meter = new KeepingMeter()
    await using cluster = await Cluster.start(counter, { meter: () => meter })
    await cluster.elected()
    await cluster.advance(500)
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    expect(meter.names.size).toBeGreaterThan(20)
    for (const name of meter.names) {
      expect(name.startsWith('dsys_raft_')).toBe(true)
      expect(readme).toContain(`\`${name}\``)
    }
  })
})

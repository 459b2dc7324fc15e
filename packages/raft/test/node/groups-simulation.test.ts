import { expect, test } from 'vitest'
import { simulateGroups } from './support/groups-simulation.ts'

/** `RAFT_SEED=7` replays one seed; `RAFT_SEEDS=2000` runs so many. */
const only = process.env.RAFT_SEED
const count = Number(process.env.RAFT_SEEDS ?? 6)
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(only)]

test(
  'many groups of hosts that crash, lose groups and each other: every history is linearizable, and every group serves again',
  async () => {
    const sum = { certain: 0, all: 0, asleep: 0, failed: 0 }
    for (const seed of seeds) {
      const outcome = await simulateGroups(seed)
      for (const key of ['certain', 'all', 'asleep', 'failed'] as const) sum[key] += outcome[key]
    }
    // Otherwise it would show nothing.
    expect(sum.certain / sum.all).toBeGreaterThan(0.5)
    expect(sum.asleep).toBeGreaterThan(seeds.length)
    expect(sum.failed).toBeGreaterThanOrEqual(seeds.length > 5 ? 1 : 0)
  },
  count * 20_000,
)

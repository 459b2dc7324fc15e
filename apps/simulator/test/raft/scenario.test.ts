import { RaftCore } from '@dsys/raft/core'
import type { Violation } from '@dsys/simulation'
import { describe, expect, test } from 'vitest'
import { raftScenario, raftScenarioWith } from '../../src/scenarios/raft/raft-scenario.ts'
import { testFixedSeeds } from '../fixed-seeds.ts'

const FIRST = 1
const SEEDS = 160
/** Chaos of a minute and more is for the command; the weathers with short timeouts keep all of theirs. */
const MOST_CHAOS_MS = 12_000

const planOf = (seed: number) => {
  const plan = raftScenario.plan(seed)
  return plan.chaosMs <= MOST_CHAOS_MS ? plan : raftScenario.plan(seed, { chaosMs: MOST_CHAOS_MS })
}

testFixedSeeds({
  scenario: raftScenario,
  first: FIRST,
  seeds: SEEDS,
  lastSeed: 1_000,
  plan: planOf,
  held: { knobs: { nodes: 4, chaosMs: 1_000 }, plan: { nodes: 4, chaosMs: 1_000 } },
  small: 9,
  told: {
    plan: planOf(3),
    check: ({ trace, histories }) => {
      expect(trace?.some(({ detail }) => detail?.includes('vote-request') === true)).toBe(true)
      expect(histories?.get('registers')).toContain('\n')
    },
  },
})

describe('a driver with a bug is found in the same seeds', () => {
  test.each([
    { bug: 'vote-not-persisted', direct: true },
    { bug: 'durable-too-early', direct: true },
    { bug: 'durable-too-early', direct: false },
  ] as const)('$bug, looking at the disks: $direct', async (variant) => {
    const scenario = raftScenarioWith(variant)
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const { violation } = await scenario.run(planOf(seed))
      if (violation === undefined) continue
      expect(violation.rule).toBeTypeOf('string')
      return
    }
    expect.unreachable(`${SEEDS} seeds do not see it`)
  })
})

describe('a group that refuses its clients for ever makes no progress', () => {
  class RefusesReads extends RaftCore {
    override requestRead(...ticket: Parameters<RaftCore['requestRead']>): boolean {
      return this.term <= 3 && super.requestRead(...ticket)
    }
    override requestLeaseRead(...read: Parameters<RaftCore['requestLeaseRead']>): boolean {
      return this.term <= 3 && super.requestLeaseRead(...read)
    }
  }
  class RefusesWrites extends RaftCore {
    override propose(...items: Parameters<RaftCore['propose']>): ReturnType<RaftCore['propose']> {
      return this.term > 3 ? 'not-leader' : super.propose(...items)
    }
  }

  test.each([
    ['read was served', RefusesReads],
    ['write was acknowledged', RefusesWrites],
  ] as const)('no new %s', async (what, Core) => {
    const scenario = raftScenarioWith({ Core })
    const told = `no new ${what}`
    let violation: Violation | undefined
    // Not every group has seen more than three terms when it is healed, and one that nobody writes to may commit nothing at all.
    for (let seed = FIRST; violation?.message.includes(told) !== true && seed < FIRST + SEEDS; seed++) {
      violation = (await scenario.run(planOf(seed))).violation
    }
    expect(violation).toMatchObject({ rule: 'progress', message: expect.stringContaining(told) })
  })
})

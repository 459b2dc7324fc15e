import { expect, test } from 'vitest'
import { membershipScenario } from '../../src/scenarios/membership/membership-scenario.ts'
import { testFixedSeeds } from '../fixed-seeds.ts'

const FIRST = 121
const FIXED = { chaosMs: 6_000 }

testFixedSeeds({
  scenario: membershipScenario,
  first: FIRST,
  seeds: 40,
  plan: (seed) => membershipScenario.plan(seed, FIXED),
  held: {
    knobs: { nodes: 4, chaosMs: 1_000, broadcast: true },
    plan: { nodes: 4, chaosMs: 1_000, knobs: { broadcast: true } },
  },
  small: 9,
  told: {
    plan: membershipScenario.plan(FIRST, { ...FIXED, nodes: 3 }),
    check: ({ trace = [] }) => {
      const says = ({ detail }: { readonly detail: string | undefined }): boolean =>
        detail?.includes('n1/') === true && detail.includes('alive')
      expect(trace.some(says)).toBe(true)
      expect(trace.some(({ what, detail }) => what === 'MemberUp' && detail !== undefined)).toBe(true)
    },
  },
})

test('how many nodes there are is no knob, and never less than three', () => {
  expect(membershipScenario.plan(7, { nodes: 4 }).knobs).not.toHaveProperty('nodes')
  for (let seed = 0; seed < 100; seed++) expect(membershipScenario.plan(seed).nodes).toBeGreaterThanOrEqual(3)
})

import type { Scenario } from '@dsys/simulation'
import { FAULT_KINDS, MOMENTS, WEATHERS } from './knobs.ts'
import { LEASE_TRAPS } from './lease-traps.ts'
import { COUNTED_MESSAGES } from './message-counts.ts'
import { drawPlan, SCENARIO_NAME } from './raft-plan.ts'
import { RaftRun, type RaftVariant } from './raft-run.ts'

const named = (prefix: string, names: readonly string[]): string[] => names.map((name) => `${prefix}.${name}`)

/** Everything that must have happened somewhere in a short run over many seeds. */
const EXPECTED: readonly string[] = [
  ...named('fault', [...FAULT_KINDS, ...LEASE_TRAPS]),
  ...named('aimed', MOMENTS),
  ...named('network', ['lost', 'duplicated', 'late', 'reordered', 'cut', 'held', 'burst', 'stale']),
  ...COUNTED_MESSAGES,
  ...named('propose', ['taken', 'not-leader', 'transferring', 'overloaded']),
  ...named('read', ['confirmed', 'dropped']),
  ...named('install', ['keep-suffix', 'reset', 'stale']),
  ...named('snapshot', ['taken', 'wanted', 'unasked']),
  ...named('buggify.raft-core', [
    'late-turn',
    'early-tick',
    'apply-one',
    'early-snapshot',
    'no-snapshot-now',
    'resend-chunk',
    'refuse-proposal',
    'refuse-read',
  ]),
  ...named('start', ['damaged', 'unreadable', 'locked']),
  ...named('rest', ['crashed', 'isolated', 'deaf', 'mute', 'paused', 'flapping']),
  ...named('core', ['some', 'everybody']),
  ...named('reconfigure', ['begun', 'not-ready']),
  ...named('configuration', ['catching-up', 'joint', 'simple']),
  ...named('lost-disk', ['trap', 'back-before', 'back']),
  'stranger.ignored',
  'voters.known',
  'rest.stalled-disk',
  'node.stopped-itself',
  'event.leader',
  'transfer.begun',
  'history.linearizable',
]

/** A seed in whose chaos nobody gets a write through has shown little of what committed entries may go through. */
const LIMITS = { 'chaos.idle': 0.2 }

/**
 * The scenario with another core or driver than the real one: for planted bugs.
 */
export function raftScenarioWith(variant: RaftVariant): Scenario {
  return {
    name: SCENARIO_NAME,
    about: 'pure Raft cores under faults of networks, machines and disks, judged after every input',
    expected: EXPECTED,
    limits: LIMITS,
    shape: {
      faults: [...FAULT_KINDS, ...LEASE_TRAPS],
      moments: MOMENTS,
      operations: { by: 'type', types: ['write', 'read'], fields: { key: 'number', value: 'number' } },
      choices: { weather: WEATHERS, networkOrder: ['fifo', 'free'], carriage: ['wire', 'frozen', 'plain'] },
    },
    plan: drawPlan,
    run: (plan, options = {}) => new RaftRun(plan, variant, options).run(),
  }
}

/** Clusters of one to five pure cores with the smallest driver that is right. */
export const raftScenario: Scenario = raftScenarioWith({})

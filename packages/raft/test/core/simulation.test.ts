import { describe, expect, test } from 'vitest'
import { FAULT_KINDS } from './support/knobs.ts'
import { simulate } from './support/simulation.ts'

/** `SEEDS=17` runs one seed and prints its trace when it fails; `SEEDS=1-5000` runs a range. */
const WANTED = process.env['SEEDS']
const FIXED = { first: 1, last: 400 }

function seedRange(): { first: number; last: number } {
  if (WANTED === undefined) return FIXED
  const [first, last] = WANTED.split('-').map(Number)
  if (!Number.isSafeInteger(first) || (last !== undefined && !Number.isSafeInteger(last))) {
    throw new RangeError(`SEEDS takes a seed or a range like 1-5000, got "${WANTED}"`)
  }
  return { first: first as number, last: last ?? (first as number) }
}

/** What must have happened somewhere in the fixed seeds, else they show less than they seem to. */
const BRANCHES = [
  ...['write', 'vote', 'leader', 'ack', 'commit', 'snapshot'].map((moment) => `aimed.${moment}`),
  ...['lost', 'doubled', 'late', 'cut', 'silent'].map((fate) => `network.${fate}`),
  ...FAULT_KINDS.filter((kind) => !['loss', 'duplication', 'delay-tail', 'aimed-crash'].includes(kind)).map(
    (kind) => `fault.${kind}`,
  ),
  ...['taken', 'not-leader', 'transferring', 'overloaded'].map((answer) => `propose.${answer}`),
  ...['confirmed', 'dropped'].map((fate) => `read.${fate}`),
  ...['keep-suffix', 'reset'].map((result) => `install.${result}`),
  ...[
    'vote-request',
    'vote-response',
    'append-request',
    'append-accepted',
    'append-rejected',
    'heartbeat-request',
    'heartbeat-response',
    'commit-notice',
    'snapshot-chunk',
    'snapshot-progress',
    'timeout-now',
  ].map((type) => `message.${type}`),
  'event.leader',
  'snapshot.taken',
  'snapshot.wanted',
  'transfer.begun',
]

describe('simulation of the core', () => {
  test('keeps every promise in every seed, and uses every fault, message and branch', { timeout: 3_600_000 }, () => {
    const { first, last } = seedRange()
    const counts = new Map<string, number>()
    for (let seed = first; seed <= last; seed++) {
      const result = simulate({ seed, keepTrace: first === last })
      for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count)
    }
    if (WANTED === undefined) expect(BRANCHES.filter((branch) => !counts.has(branch))).toEqual([])
  })

  test('is the same run when the seed is the same, and another when it is not', () => {
    const hashes = new Set<string>()
    for (let seed = 1; seed <= 20; seed++) {
      const { hash, steps } = simulate({ seed })
      expect(simulate({ seed })).toMatchObject({ hash, steps })
      hashes.add(hash)
    }
    expect(hashes.size).toBe(20)
  })

  test('says how to see a failure again, and shows the end of the trace', () => {
    const failures: { seed: number; error: unknown }[] = []
    for (let seed = 1; failures.length === 0 && seed <= 100; seed++) {
      try {
        simulate({ seed, bug: 'durable-too-early', keepTrace: true })
      } catch (error) {
        failures.push({ seed, error })
      }
    }
    const { seed, error } = failures[0] as { seed: number; error: Error }
    expect(error.message).toContain(`seed ${seed}, at `)
    expect(error.message).toContain(`replay it: SEEDS=${seed} npx vitest run`)
    expect(error.message).toMatch(/\n {2}[\d.]+ n\d.* append-request/)
  })
})

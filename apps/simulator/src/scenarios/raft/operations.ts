import type { Random } from '@dsys/runtime'
import type { Operation } from '@dsys/simulation'
import type { RaftKnobs } from './knobs.ts'

/** Operations on one register, before clients move on to the next. */
const PER_REGISTER = 12
/** The most operations of one plan. */
const MAX_OPERATIONS = 20_000

/** What clients do, each at every node that takes itself for the leader: an old one that goes on is the interesting case. */
export interface ClientOperation extends Operation {
  readonly type: 'write' | 'read'
  readonly key: number
  /** Of a write: no other has it. */
  readonly value: number
}

function* times(random: Random, everyMs: number, endMs: number): Generator<number> {
  for (let atMs = everyMs * random.float(); atMs < endMs; atMs += everyMs * (0.2 + 1.6 * random.float())) yield atMs
}

/** The operations of a plan, in the order of their times: those drawn, and writes at these times. */
export function drawOperations(
  random: Random,
  { writeEveryMs, readEveryMs, chaosMs }: RaftKnobs,
  writeTimesMs: readonly number[],
): ClientOperation[] {
  const wanted = [
    ...writeTimesMs.map((atMs) => ({ atMs, type: 'write' as const })),
    ...[...times(random.stream('writes'), writeEveryMs, chaosMs)].map((atMs) => ({ atMs, type: 'write' as const })),
    ...[...times(random.stream('reads'), readEveryMs, chaosMs)].map((atMs) => ({ atMs, type: 'read' as const })),
  ]
  wanted.sort((a, b) => a.atMs - b.atMs)
  return wanted.slice(0, MAX_OPERATIONS).map(({ atMs, type }, i) => ({
    atMs: Math.round(atMs * 100) / 100,
    type,
    key: 1 + Math.floor(i / PER_REGISTER),
    value: 1 + i,
  }))
}

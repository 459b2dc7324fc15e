import type { Random } from '@dsys/runtime'
import type { Fault } from '@dsys/simulation'

/** From the beginning of one attempt to that of the next, in election timeouts; see below for what fills them. */
const CYCLE_TIMEOUTS = 11

/** What leaves a leader with a slow disk behind with entries that are cut before their write has ended (P-39). */
export interface CutTails {
  readonly faults: readonly Fault[]
  readonly writeTimesMs: readonly number[]
}

/**
 * Again and again: the first node, whose disk is slow, is made the leader, is heard by nobody any more, and takes a burst of writes until
 * it gives up. The others elect another leader, whose shorter log cuts that tail while it is being written. Then the first node leads once
 * more, and has to tell what of its log is on its disk from what never will be.
 */
export function drawCutTails(
  random: Random,
  {
    cutTails,
    electionTimeoutMs,
    chaosMs,
  }: { readonly cutTails: boolean; readonly electionTimeoutMs: number; readonly chaosMs: number },
): CutTails {
  const faults: Fault[] = []
  const writeTimesMs: number[] = []
  if (!cutTails) return { faults, writeTimesMs }
  for (let startMs = 0; startMs < chaosMs; startMs += CYCLE_TIMEOUTS * electionTimeoutMs) {
    const at = (from: number, to: number): number =>
      Math.round(startMs + electionTimeoutMs * (from + (to - from) * random.float()))
    const fault = (kind: string, atMs: number, forMs: number): void =>
      void faults.push({ kind, atMs, forMs, node: 0, seed: random.integer(0, 2 ** 32) })
    const burst = (fromMs: number, toMs: number, count: number): void => {
      for (let i = 0; i < count; i++) writeTimesMs.push(fromMs + ((toMs - fromMs) * i) / count)
    }
    fault('transfer', at(0, 0.3), 1)
    const frozenMs = at(2, 2.5)
    fault('frozen-peer', frozenMs, Math.round(2.3 * electionTimeoutMs))
    burst(frozenMs + 0.5 * electionTimeoutMs, frozenMs + 1.2 * electionTimeoutMs, 20)
    fault('transfer', at(6, 7), 1)
    burst(at(9, 9.5), at(10, 11), 10)
  }
  return { faults, writeTimesMs }
}

import { compareText } from '../core/record.ts'
import type { MemberLife, SurvivalSide } from './lease.ts'

/** One link of the chain: who goes on, decided by one of those who went on before. */
export interface SurvivorDecision {
  /** 1 for the first decision, and one more with each that follows. */
  readonly number: number
  /** Those that go on, ordered by id, each once. */
  readonly members: readonly MemberLife[]
}

/** What the last decision means for a side. */
export type ChainRuling =
  /** Just this side goes on. */
  | { readonly kind: 'holds' }
  /** This side goes on if nobody comes before it with another successor of the last decision. */
  | { readonly kind: 'succeed'; readonly next: SurvivorDecision }
  /** One of those who go on is on this side and has to say so; who asks is not among them. */
  | { readonly kind: 'wait' }
  /** Others go on. */
  | { readonly kind: 'refused' }

/**
 * Rules by nothing but the last decision and the side.
 *
 * Invariant: a successor is made by a life that the last decision names, or by whoever has all lives that it names behind it.
 */
export function ruleByChain(last: SurvivorDecision | undefined, { self, members }: SurvivalSide): ChainRuling {
  const here = new Map(members.map(({ id, generation }) => [id, generation]))
  // Who does not count decides nothing: it asks whether its side goes on.
  const counts = here.get(self.id) === self.generation
  const next = (): ChainRuling => ({
    kind: 'succeed',
    next: { number: (last?.number ?? 0) + 1, members: [...members].sort((a, b) => compareText(a.id, b.id)) },
  })
  if (last === undefined) return counts ? next() : { kind: 'wait' }
  const isHere = ({ id, generation }: MemberLife): boolean => here.get(id) === generation
  const isOver = ({ id, generation }: MemberLife): boolean => (here.get(id) ?? 0) > generation
  if (last.members.length === members.length && last.members.every(isHere)) return { kind: 'holds' }
  if (counts && last.members.some(({ id, generation }) => id === self.id && generation === self.generation))
    return next()
  if (last.members.some(isHere)) return { kind: 'wait' }
  // Each process that went on has been started again, and is here: nobody else can go on.
  if (counts && last.members.every(isOver)) return next()
  return { kind: 'refused' }
}

/** Whether `value`, which somebody has stored, is a decision. */
export function isSurvivorDecision(value: unknown): value is SurvivorDecision {
  if (typeof value !== 'object' || value === null) return false
  const { number, members } = value as { readonly number?: unknown; readonly members?: unknown }
  return isWhole(number) && Array.isArray(members) && members.length > 0 && members.every(isLife)
}

function isLife(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { id, generation } = value as { readonly id?: unknown; readonly generation?: unknown }
  return typeof id === 'string' && isWhole(generation)
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

import { compareText } from '../core/record.ts'
import type { MemberLife, SurvivalSide, SurvivalStanding } from './lease.ts'

/** So many lives that were left out are remembered, those of the last decisions. */
export const MAX_EXCLUDED = 1_000

/** One link of the chain: who goes on, decided by one of those who went on before. */
export interface SurvivorDecision {
  /** 1 for the first decision, and one more with each that follows. */
  readonly number: number
  /** Those that go on, ordered by id, each once. */
  readonly members: readonly MemberLife[]
  /** Those that went on once and were left out by a later decision, each id once, at most 1,000. They never go on again; a later life of them may. */
  readonly excluded: readonly MemberLife[]
}

/** What the last decision means for a side. */
export type ChainRuling =
  /** Just this side goes on. */
  | { readonly kind: 'holds' }
  /** This side goes on if nobody comes before it with another successor of the last decision. */
  | { readonly kind: 'succeed'; readonly next: SurvivorDecision }
  /** One of those who go on is on this side and has to say so; who asks is not among them. */
  | { readonly kind: 'wait' }
  /** Others have decided since this side became what it is: it may have been another one before that, and has to be seen once more. */
  | { readonly kind: 'moved' }
  /** Others go on. */
  | { readonly kind: 'refused' }

/**
 * Whether a side goes on, by nothing but the last decision and the side.
 *
 * Invariant: a successor is made by a life that the last decision names, or by whoever has all lives that it names behind it, and of a side that was seen after that decision; and who was
 * left out is not named again.
 */
export function ruleByChain(last: SurvivorDecision | undefined, side: SurvivalSide): ChainRuling {
  const members = eligible(last, side.members)
  const who = standing(last, side.self, members)
  if (who !== 'excluded' && last !== undefined && isSame(last.members, members)) return { kind: 'holds' }
  if (who === 'excluded') return { kind: 'refused' }
  if (who !== 'decides') return { kind: who }
  if (side.decision !== numberOf(last)) return { kind: 'moved' }
  const lost = (last?.members ?? []).filter((one) => !has(members, one) && !isOver(members, one))
  const earlier = (last?.excluded ?? []).filter(({ id }) => !lost.some((one) => one.id === id))
  const excluded = [...earlier, ...lost].slice(-MAX_EXCLUDED)
  return { kind: 'succeed', next: { number: numberOf(last) + 1, members, excluded } }
}

/** What the last decision means while nobody is lost: who is here is added to those named, and nobody is left out but who left or has a later life. */
export function ruleWhole(last: SurvivorDecision | undefined, side: SurvivalSide): ChainRuling {
  if (last === undefined) return ruleByChain(last, side)
  const here = eligible(last, side.members)
  const hasLeft = ({ id, generation }: MemberLife): boolean =>
    side.left.some((one) => one.id === id && one.generation >= generation)
  const staying = last.members.filter((one) => !isOver(here, one) && !hasLeft(one))
  const members = byId([...staying, ...here.filter(({ id }) => !staying.some((one) => one.id === id))])
  if (isSame(last.members, members)) return { kind: 'holds' }
  const who = standing(last, side.self, here)
  if (who !== 'decides') return { kind: who === 'excluded' ? 'refused' : who }
  if (side.decision !== last.number) return { kind: 'moved' }
  return { kind: 'succeed', next: { number: last.number + 1, members, excluded: last.excluded } }
}

/** What the last decision says of one life, asked without a side. */
export function standingOf(last: SurvivorDecision | undefined, self: MemberLife): SurvivalStanding {
  return { decision: numberOf(last), isLeftOut: isExcluded(last, self) }
}

function standing(
  last: SurvivorDecision | undefined,
  self: MemberLife,
  here: readonly MemberLife[],
): 'decides' | 'wait' | 'refused' | 'excluded' {
  if (isExcluded(last, self)) return 'excluded'
  // Who does not count decides nothing: it asks whether its side goes on.
  const counts = has(here, self)
  if (last === undefined) return counts ? 'decides' : 'wait'
  if (counts && has(last.members, self)) return 'decides'
  if (last.members.some((one) => has(here, one))) return 'wait'
  // Each process that went on has been started again, and is here: nobody else can go on.
  return counts && last.members.every((one) => isOver(here, one)) ? 'decides' : 'refused'
}

const numberOf = (last: SurvivorDecision | undefined): number => last?.number ?? 0

const isExcluded = (last: SurvivorDecision | undefined, self: MemberLife): boolean =>
  last?.excluded.some(({ id, generation }) => id === self.id && generation >= self.generation) === true

const byId = (members: readonly MemberLife[]): MemberLife[] => [...members].sort((a, b) => compareText(a.id, b.id))

function eligible(last: SurvivorDecision | undefined, members: readonly MemberLife[]): MemberLife[] {
  const excluded = new Map(last?.excluded.map(({ id, generation }) => [id, generation]))
  return byId(members).filter(({ id, generation }) => generation > (excluded.get(id) ?? -1))
}

const has = (members: readonly MemberLife[], { id, generation }: MemberLife): boolean =>
  members.some((one) => one.id === id && one.generation === generation)

const isOver = (members: readonly MemberLife[], { id, generation }: MemberLife): boolean =>
  members.some((one) => one.id === id && one.generation > generation)

const isSame = (one: readonly MemberLife[], other: readonly MemberLife[]): boolean =>
  one.length === other.length && one.every((life) => has(other, life))

/** Whether `value`, which somebody has stored, is a decision. */
export function isSurvivorDecision(value: unknown): value is SurvivorDecision {
  if (typeof value !== 'object' || value === null) return false
  const { number, members, excluded } = value as { readonly [name: string]: unknown }
  return isWhole(number) && isLives(members) && members.length > 0 && isLives(excluded)
}

const isLives = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.every(isLife)

function isLife(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { id, generation } = value as { readonly id?: unknown; readonly generation?: unknown }
  return typeof id === 'string' && isWhole(generation)
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

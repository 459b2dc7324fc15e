import { type Random, SeededRandom } from '@dsys/runtime'
import { drawFaults, type Fault, type Operation, type Plan, pick } from '@dsys/simulation'
import { asJson, drawKinds, drawKnobs, faultless, type Knobs, MOMENT_RATES } from './knobs.ts'
import { drawResolver, MAX_RESOLVER_NODES, type ResolverKind, tamed } from './resolver-knobs.ts'

/** What an operation of this scenario is. */
export const OPERATIONS = ['metadata', 'leave', 'join', 'watch', 'garbage', 'broadcast', 'query'] as const
export type OperationName = (typeof OPERATIONS)[number]

const MAX_OPERATIONS = 200
const CALM_SHARE = 0.04

function drawOperations(random: Random, nodes: number, chaosMs: number): Operation[] {
  const everyMs = pick(random, [500, 2_000, 8_000])
  const names: readonly OperationName[] = [
    'metadata',
    'metadata',
    'leave',
    'join',
    'join',
    'watch',
    'garbage',
    'garbage',
    'broadcast',
    'broadcast',
    'query',
    'query',
  ]
  const operations: Operation[] = []
  for (let atMs = everyMs * random.float(); atMs < chaosMs && operations.length < MAX_OPERATIONS; ) {
    const operation = { atMs: Math.round(atMs), name: pick(random, names), node: random.integer(0, nodes) }
    operations.push({ ...operation, seed: random.integer(0, 2 ** 32) })
    atMs += everyMs * (0.2 + 1.6 * random.float())
  }
  return operations
}

function drawRates(random: Random): Record<string, number> {
  const rates: Record<string, number> = {}
  for (const [moment, some] of Object.entries(MOMENT_RATES)) rates[moment] = pick(random, [0, 0, 0, ...some])
  return rates
}

/** Faults that silence a node which has said something before, so that others must find it out. */
const SILENCING = ['crash', 'kill', 'pause', 'isolate']

/** A fault that silences a node for long enough, where chance has drawn none: without one a run shows little of detection. */
function drawSilence(
  random: Random,
  faults: readonly Fault[],
  { chaosMs, paceMs, initial }: { readonly chaosMs: number; readonly paceMs: number; readonly initial: number },
): Fault[] {
  const silence = ({ kind, forMs, atMs }: Fault): boolean =>
    SILENCING.includes(kind) && forMs >= 2 * paceMs && atMs < chaosMs / 2
  if (faults.some(silence)) return []
  const kind = pick(random, SILENCING)
  const atMs = Math.round(chaosMs * (0.15 + 0.25 * random.float()))
  const forMs = Math.round(paceMs * (3 + 2 * random.float()))
  return [{ kind, atMs, forMs, node: random.integer(0, initial), seed: random.integer(0, 2 ** 32) }]
}

/** A number of `fixed`, or what is drawn; drawn in both cases, so that nothing else shifts. */
function numberOf(fixed: Plan['knobs'], name: string, drawn: number): number {
  const value = fixed[name]
  return typeof value === 'number' ? value : drawn
}

/**
 * The plan of a seed. Of `fixed`, `nodes` and `chaosMs` replace those of the plan, everything else the knob of its name.
 */
export function drawPlan(seed: number, fixed: Plan['knobs'] = {}): Plan {
  const root = new SeededRandom(seed).stream('membership plan')
  const shape = root.stream('shape')
  const drawnNodes = shape.float() < 0.04 ? 30 : shape.integer(3, 13)
  const drawnMs = pick(shape, [8_000, 15_000, 30_000])
  const drawnResolver = drawResolver(root.stream('resolver'))
  const resolver = (fixed['resolver'] ?? drawnResolver) as ResolverKind
  const mostNodes = resolver === 'off' ? drawnNodes : Math.min(drawnNodes, MAX_RESOLVER_NODES)
  const nodes = numberOf(fixed, 'nodes', mostNodes)
  const chaosMs = numberOf(fixed, 'chaosMs', nodes > 12 ? Math.min(drawnMs, 8_000) : drawnMs)
  const { nodes: _nodes, chaosMs: _chaosMs, ...fixedKnobs } = fixed
  // Now and then nothing goes wrong at all: then nobody may be accused.
  const isCalm = root.stream('calm').float() < CALM_SHARE
  const drawn = drawKnobs(root.stream('knobs'), nodes)
  const calm = isCalm ? { link: faultless(drawn.link) } : {}
  const knobs = { ...tamed({ ...drawn, ...calm, resolver }), ...fixedKnobs } as Knobs
  const { probeIntervalMs, suspicionTimeoutMs } = knobs.options
  const paceMs = 2 * probeIntervalMs + suspicionTimeoutMs
  const faults = drawFaults(root.stream('faults'), {
    kinds: isCalm ? [] : drawKinds(root.stream('kinds')),
    nodes,
    chaosMs,
    everyMs: pick(shape, [500, 2_000, 6_000]),
    paceMs,
  })
  const silence = isCalm
    ? []
    : drawSilence(root.stream('silence'), faults, { chaosMs, paceMs, initial: Math.max(1, knobs.initial) })
  return {
    version: 1,
    scenario: 'membership',
    seed,
    nodes,
    chaosMs,
    knobs: asJson(knobs),
    faults: [...faults, ...silence],
    operations: drawOperations(root.stream('operations'), nodes, chaosMs),
    aims: { type: 'drawn', rates: isCalm ? {} : drawRates(root.stream('aims')) },
    buggify: { activeShare: isCalm ? 0 : pick(shape, [0, 0.3, 0.6]), fireShare: pick(shape, [0.05, 0.25]), off: [] },
  }
}

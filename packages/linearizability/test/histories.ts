import type { HistoryEvent, Json } from '@dsys/linearizability'
import fc from 'fast-check'
import type { Specification } from './specifications.ts'

interface Plan {
  readonly key: string
  readonly input: Json
  readonly start: number
  readonly length: number
  /** How far into its bar the operation takes effect, in percent. */
  readonly effect: number
  readonly outcome: 'ok' | 'fail' | 'unknown' | 'never'
  readonly takesEffect: boolean
  readonly lie: Json | undefined
}

/** What {@link histories} are like. `lies` and `unknown` are weights: the higher, the more of them. */
export interface HistoryOptions {
  readonly maxOperations?: number
  readonly keys?: readonly string[]
  readonly lies?: number
  readonly unknown?: number
}

/** Small histories of a store that is right, but for the lies that it tells now and then. */
export function histories(specification: Specification, options: HistoryOptions = {}): fc.Arbitrary<HistoryEvent[]> {
  const { maxOperations = 6, keys = ['a', 'a', 'b'], lies = 4, unknown = 1 } = options
  const plan: fc.Arbitrary<Plan> = specification.inputs.chain((input) =>
    fc.record({
      key: fc.constantFrom(...keys),
      input: fc.constant(input),
      start: fc.nat(12),
      length: fc.nat(8),
      effect: fc.nat(100),
      outcome: fc.oneof(
        { weight: 5, arbitrary: fc.constant('ok' as const) },
        { weight: 1, arbitrary: fc.constant('fail' as const) },
        { weight: unknown, arbitrary: fc.constantFrom('unknown' as const, 'never' as const) },
      ),
      takesEffect: fc.boolean(),
      lie: fc.oneof(
        { weight: lies, arbitrary: specification.lies(input) },
        { weight: 10, arbitrary: fc.constant(undefined) },
      ),
    }),
  )
  return fc.array(plan, { minLength: 1, maxLength: maxOperations }).map((plans) => historyOf(specification, plans))
}

function historyOf(specification: Specification, plans: readonly Plan[]): HistoryEvent[] {
  const outputs = outputsOf(specification, plans)
  const events = plans.flatMap((plan, op): [time: number, event: HistoryEvent][] => {
    const end = plan.start + plan.length
    const { key, input, outcome } = plan
    const invoke: [number, HistoryEvent] = [plan.start, { type: 'invoke', op, client: `c${op % 3}`, key, input }]
    if (outcome === 'never') return [invoke]
    if (outcome !== 'ok') return [invoke, [end + 0.5, { type: outcome, op }]]
    return [invoke, [end + 0.5, { type: 'ok', op, output: plan.lie ?? outputs[op] ?? null }]]
  })
  return events.sort(([a], [b]) => a - b).map(([, event]) => event)
}

function outputsOf(specification: Specification, plans: readonly Plan[]): (Json | undefined)[] {
  const states = new Map<string, unknown>()
  const outputs: (Json | undefined)[] = plans.map(() => undefined)
  const effectOf = ({ start, length, effect }: Plan): number => start + (length * effect) / 100
  const inOrder = plans.map((plan, op) => ({ plan, op })).sort((a, b) => effectOf(a.plan) - effectOf(b.plan))
  for (const { plan, op } of inOrder) {
    if (plan.outcome === 'fail' || (plan.outcome !== 'ok' && !plan.takesEffect)) continue
    const place = specification.isWhole === true ? '' : plan.key
    const state = states.has(place) ? states.get(place) : specification.initial
    const [next, output] = specification.perform(state, plan.input, plan.key)
    states.set(place, next)
    outputs[op] = output
  }
  return outputs
}

import type { HistoryEvent, Json } from '@dsys/linearizability'

/** An operation with what became of it. */
export interface Step {
  readonly client: string
  readonly key: string
  readonly input: Json
  readonly end: { readonly type: 'ok'; readonly output: Json } | { readonly type: 'fail' | 'unknown' } | undefined
}

/** One end of a step. */
export type Moment = readonly [step: Step, which: 'call' | 'end']

export const ok = (client: string, input: Json, output: Json = null, key = 'x'): Step => ({
  client,
  key,
  input,
  end: { type: 'ok', output },
})
export const fail = (client: string, input: Json, key = 'x'): Step => ({ client, key, input, end: { type: 'fail' } })
export const unknown = (client: string, input: Json, key = 'x'): Step => ({
  client,
  key,
  input,
  end: { type: 'unknown' },
})
/** Without any end. */
export const never = (client: string, input: Json, key = 'x'): Step => ({ client, key, input, end: undefined })

/** Each is over before the next one begins. */
export const inSequence = (...steps: readonly Step[]): Moment[] =>
  steps.flatMap((step): Moment[] => [
    [step, 'call'],
    [step, 'end'],
  ])

/** All are called, then all end. */
export const together = (...steps: readonly Step[]): Moment[] => [
  ...steps.map((step): Moment => [step, 'call']),
  ...steps.map((step): Moment => [step, 'end']),
]

/** The first one goes on during all that follows. */
export const around = (step: Step, ...inner: readonly Moment[]): Moment[] => [[step, 'call'], ...inner, [step, 'end']]

/** The events, with the operations numbered in the order of their calls. */
export function history(...parts: readonly (readonly Moment[])[]): HistoryEvent[] {
  const numbers = new Map<Step, number>()
  return parts.flat().flatMap(([step, which]): HistoryEvent[] => {
    if (which === 'call') {
      const op = numbers.size
      numbers.set(step, op)
      return [{ type: 'invoke', op, client: step.client, key: step.key, input: step.input }]
    }
    const op = numbers.get(step) as number
    return step.end === undefined ? [] : [{ op, ...step.end }]
  })
}

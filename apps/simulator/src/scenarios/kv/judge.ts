import { checkLinearizability, type HistoryEvent, keyValueModel } from '@dsys/linearizability'
import type { Replicas } from './replicas.ts'

/** Steps of the search for the history of one key; most need a thousandth of it. */
const BUDGET = 2_000_000
/** From so many unknown deletes of one key on, a search may run out of its budget: a delete has no value by which replicas could tell it. */
const MANY_UNKNOWN_DELETES = 6

/** What became of a history. */
export interface Judgement {
  readonly verdict: 'linearizable' | 'not-linearizable' | 'undecided' | 'excused'
  readonly text: string
}

/** Decides whether clients saw a linearizable store. Where the search alone cannot, the replicas tell what they know. */
export function judge(
  history: readonly HistoryEvent[],
  replicas: Pick<Replicas, 'revisionOf'>,
  budget: number = BUDGET,
): Judgement {
  const first = checkLinearizability(keyValueModel(), history, { budget })
  if (first.verdict !== 'undecided') return { verdict: first.verdict, text: first.failure?.text ?? '' }
  const told = toldByReplicas(history, replicas)
  const { verdict, failure, partitions } = checkLinearizability(keyValueModel(), told, { budget })
  if (verdict !== 'undecided') return { verdict, text: failure?.text ?? '' }
  const tangled = partitions.filter((partition) => partition.verdict === 'undecided').map(({ name }) => name)
  const excused = tangled.every((key) => unknownDeletes(told, key) >= MANY_UNKNOWN_DELETES)
  return { verdict: excused ? 'excused' : 'undecided', text: `too tangled to be judged: ${tangled.join(', ')}` }
}

/**
 * The history with what the replicas know and its clients do not. Of a change whose outcome is unknown, and whose value no other has,
 * all replicas know by now whether it took effect, and the revision that it made. Many unknown changes of one key can be more than a
 * search decides in time that must think each of them possible for ever.
 */
export function toldByReplicas(
  history: readonly HistoryEvent[],
  replicas: Pick<Replicas, 'revisionOf'>,
): HistoryEvent[] {
  const calls = new Map<number, { readonly key: string; readonly input: Input }>()
  for (const event of history)
    if (event.type === 'invoke') calls.set(event.op, { key: event.key, input: event.input as Input })
  const late: HistoryEvent[] = []
  const told = history.map((event): HistoryEvent => {
    const { key, input } = calls.get(event.op) ?? {}
    if (event.type !== 'unknown' || key === undefined || input?.value === undefined) return event
    const revision = replicas.revisionOf(key, input.value)
    if (revision === undefined) return { ...event, type: 'fail' }
    late.push({ type: 'ok', op: event.op, output: { ...DONE[input.op], revision } })
    return event
  })
  // It may have taken effect at any time after its call: so it ends behind all others.
  const ops = new Set(late.map(({ op }) => op))
  return [...told.filter((event) => event.type !== 'unknown' || !ops.has(event.op)), ...late]
}

type Input = { readonly op: string; readonly value?: string }

/** What a change that took effect returns besides its revision. */
const DONE: Readonly<Record<string, { readonly [name: string]: boolean }>> = {
  put: {},
  create: { created: true },
  update: { updated: true },
}

function unknownDeletes(history: readonly HistoryEvent[], key: string): number {
  const open = new Set<number>()
  for (const event of history) {
    if (event.type === 'invoke') {
      if (event.key === key && (event.input as Input).op === 'delete') open.add(event.op)
    } else if (event.type !== 'unknown') open.delete(event.op)
  }
  return open.size
}

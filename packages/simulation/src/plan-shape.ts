import type { Json, Operation, Plan } from './plan.ts'

/** What plans of a scenario may hold, so that one from a file can be refused that would mean nothing. */
export interface PlanShape {
  /** The kinds of faults. */
  readonly faults: readonly string[]
  /** The telling moments at which a crash can be aimed. */
  readonly moments: readonly string[]
  /** What an operation can be. */
  readonly operations: OperationShape
  /** Of knobs that are one of a few words: these, by the path of the knob, as `link.order`. */
  readonly choices: { readonly [knob: string]: readonly string[] }
}

/** What an operation of a scenario can be. */
export interface OperationShape {
  /** The field that says what is done. */
  readonly by: string
  /** What can stand there. */
  readonly types: readonly string[]
  /** The other fields, `atMs` apart: every operation has all of them and no more. */
  readonly fields: { readonly [field: string]: 'number' | 'string' | 'boolean' }
}

/** What {@link assertPlan} asks of a scenario. */
export interface PlanMaker {
  readonly name: string
  readonly shape?: PlanShape
  plan(seed: number): Plan
}

/**
 * Throws RangeError unless `scenario` can have made `plan`, and says which part of it is wrong and what could stand there. Its knobs
 * must be those of a plan that is drawn, each of the same type. Where the scenario tells no {@link PlanShape}, only that the plan is
 * meant for it is checked.
 *
 * @param where the path of the plan, for the error. Default `plan`.
 */
export function assertPlan(scenario: PlanMaker, plan: Plan, where = 'plan'): void {
  if (plan.scenario !== scenario.name) {
    throw new RangeError(`${where}.scenario is "${scenario.name}", got "${plan.scenario}"`)
  }
  const { shape } = scenario
  if (shape === undefined) return
  for (const [i, { kind }] of plan.faults.entries()) assertOneOf(kind, shape.faults, `${where}.faults[${i}].kind`)
  const { aims } = plan
  if (aims.type === 'drawn') {
    for (const moment of Object.keys(aims.rates)) assertOneOf(moment, shape.moments, `a name in ${where}.aims.rates`)
  } else {
    for (const [i, { moment }] of aims.crashes.entries()) {
      assertOneOf(moment, shape.moments, `${where}.aims.crashes[${i}].moment`)
    }
  }
  for (const [i, operation] of plan.operations.entries()) {
    assertOperation(operation, shape.operations, `${where}.operations[${i}]`)
  }
  assertLike(plan.knobs, scenario.plan(plan.seed).knobs, `${where}.knobs`)
  for (const [knob, words] of Object.entries(shape.choices)) {
    assertOneOf(valueAt(plan.knobs, knob), words, `${where}.knobs.${knob}`)
  }
}

function assertOneOf(value: Json | undefined, allowed: readonly string[], where: string): void {
  if (typeof value === 'string' && allowed.includes(value)) return
  const list = allowed.length === 0 ? 'nothing: this scenario has none' : allowed.map((name) => `"${name}"`).join(', ')
  throw new RangeError(`${where} is one of ${list}; got ${textOf(value)}`)
}

function assertOperation(operation: Operation, { by, types, fields }: OperationShape, where: string): void {
  const known = ['atMs', by, ...Object.keys(fields)]
  for (const name of Object.keys(operation)) {
    if (!known.includes(name)) throw new RangeError(`${where} has no field "${name}"; it has ${known.join(', ')}`)
  }
  assertOneOf(operation[by], types, `${where}.${by}`)
  for (const [name, type] of Object.entries(fields)) {
    const value = operation[name]
    if (typeof value !== type) throw new RangeError(`${where}.${name} is a ${type}, got ${textOf(value)}`)
  }
}

/** Whether `value` has the parts of `example`, and each of its type. Of lists, what is in them counts where the example has any. */
function assertLike(value: Json, example: Json, where: string): void {
  if (typeOf(value) !== typeOf(example)) {
    throw new RangeError(`${where} is ${aOrAn(typeOf(example))}, got ${textOf(value)}`)
  }
  if (Array.isArray(value)) {
    const [first] = example as readonly Json[]
    if (first !== undefined) for (const [i, item] of value.entries()) assertLike(item, first, `${where}[${i}]`)
    return
  }
  if (typeof value !== 'object' || value === null) return
  const [parts, known] = [value, example] as readonly { readonly [name: string]: Json }[]
  const names = Object.keys(known ?? {})
  for (const name of names) {
    if (!Object.hasOwn(value, name)) throw new RangeError(`${where}.${name} is missing; there are ${names.join(', ')}`)
    assertLike(parts?.[name] as Json, known?.[name] as Json, `${where}.${name}`)
  }
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) throw new RangeError(`${where} has no "${name}"; there are ${names.join(', ')}`)
  }
}

function valueAt(value: Json, path: string): Json | undefined {
  let part: Json | undefined = value
  for (const name of path.split('.')) part = (part as { readonly [name: string]: Json } | undefined)?.[name]
  return part
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}

const aOrAn = (type: string): string => (type === 'object' ? 'an object' : `a ${type}`)

const textOf = (value: Json | undefined): string => (value === undefined ? 'nothing' : JSON.stringify(value))

import { showJson } from '../json.ts'

/** Says what a value should have been, or `undefined` when it is fine. */
export type Shape = (value: unknown) => string | undefined

/** The shapes of the operations of a model by their `op`: the other fields of the input, and the output. */
export type OperationShapes = Readonly<
  Record<string, { readonly input: Readonly<Record<string, Shape>>; readonly output: Shape }>
>

export const anything: Shape = (value) => (value === undefined ? 'a value' : undefined)
export const nothing: Shape = (value) => (value === null ? undefined : 'null')
export const truth: Shape = (value) => (typeof value === 'boolean' ? undefined : 'true or false')
export const list: Shape = (value) => (Array.isArray(value) ? undefined : 'a list')

export const revision: Shape = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? undefined : 'a whole number of 1 or more'

export const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined ? undefined : shape(value)

export const oneOf =
  (...shapes: readonly Shape[]): Shape =>
  (value) => {
    const wanted = shapes.map((shape) => shape(value))
    return wanted.includes(undefined) ? undefined : wanted.join(' or ')
  }

export const exactly =
  (expected: boolean): Shape =>
  (value) =>
    value === expected ? undefined : String(expected)

/** An object with these fields and no others. */
export const fields =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value) =>
    fieldsProblem(value, shapes) === undefined ? undefined : `{ ${Object.keys(shapes).join(', ')} }`

function fieldsProblem(value: unknown, shapes: Readonly<Record<string, Shape>>): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is not an object'
  const unexpected = Object.keys(value).find((name) => !Object.hasOwn(shapes, name))
  if (unexpected !== undefined) return `has a field "${unexpected}", which this operation does not have`
  for (const [name, shape] of Object.entries(shapes)) {
    const field = (value as Readonly<Record<string, unknown>>)[name]
    const wanted = shape(field)
    if (wanted === undefined) continue
    return field === undefined ? `has no "${name}"` : `has as "${name}" ${showJson(field)}, and should have ${wanted}`
  }
  return undefined
}

/** What is wrong with an operation whose input is an object with its name as `op`. */
export function operationProblem(shapes: OperationShapes, input: unknown, output: unknown): string | undefined {
  const op = typeof input === 'object' && input !== null ? (input as { readonly op?: unknown }).op : undefined
  const known = typeof op === 'string' && Object.hasOwn(shapes, op) ? shapes[op] : undefined
  if (known === undefined) {
    return `its input ${showJson(input)} has no "op" that is one of ${Object.keys(shapes).join(', ')}`
  }
  const problem = fieldsProblem(input, { op: anything, ...known.input })
  if (problem !== undefined) return `its input ${problem}`
  const wanted = output === undefined ? undefined : known.output(output)
  return wanted === undefined ? undefined : `its output is ${showJson(output)}, and that of a ${op} should be ${wanted}`
}

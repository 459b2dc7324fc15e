import { canonicalText, hashJson, type Json, sameJson } from '../json.ts'
import { type Foresight, IMPOSSIBLE, type Mark, type Model, type RecordedOperation } from '../model.ts'
import { isHopelessRegister } from './register-zones.ts'
import { anything, nothing, operationProblem, truth } from './shape.ts'

/** What a register takes. A read returns the value, a write `null`. */
export type RegisterInput = { readonly op: 'read' } | { readonly op: 'write'; readonly value: Json }

/** What a compare-and-set register takes besides: `cas` returns whether the value was `from`, and is `to` from then on. */
export type CasRegisterInput = RegisterInput | { readonly op: 'cas'; readonly from: Json; readonly to: Json }

const READ_AND_WRITE = {
  read: { input: {}, output: anything },
  write: { input: { value: anything }, output: nothing },
}

const ALL = { ...READ_AND_WRITE, cas: { input: { from: anything, to: anything }, output: truth } }

/** One value of which each write is seen by all later reads. Options: the value before the first write, by default `null`. */
export function registerModel(options: { readonly initial?: Json } = {}): Model<Json, RegisterInput, Json> {
  return {
    ...casRegisterModel(options),
    name: 'register',
    problem: (input, output) => operationProblem(READ_AND_WRITE, input, output),
  }
}

/** A register that can also be changed on the condition that it has a certain value. */
export function casRegisterModel(options: { readonly initial?: Json } = {}): Model<Json, CasRegisterInput, Json> {
  const { initial = null } = options
  return {
    name: 'cas-register',
    init: () => initial,
    step,
    readOnly: (input, output) => input.op === 'read' || (input.op === 'cas' && output === false),
    marks: { of: markOf, needed: neededMark, given: givenMark },
    foresight: (operations) => foresight(operations, initial),
    equals: sameJson,
    hash: hashJson,
    problem: (input, output) => operationProblem(ALL, input, output),
    describe,
    describeState: (state) => JSON.stringify(state),
  }
}

const markOf = (value: Json): Mark => (typeof value === 'number' ? value : canonicalText(value))

function neededMark(input: CasRegisterInput, output: Json | undefined): Mark | undefined {
  if (output === undefined || input.op === 'write') return undefined
  if (input.op === 'read') return markOf(output)
  return output === true ? markOf(input.from) : undefined
}

function givenMark(input: CasRegisterInput, output: Json | undefined): Mark | undefined {
  if (input.op === 'read' || output === false) return undefined
  return markOf(input.op === 'write' ? input.value : input.to)
}

/** Nobody saw a value that no read returned and no compare-and-set started from. One that was refused saw any other than its own. */
function foresight(
  operations: readonly RecordedOperation<CasRegisterInput, Json>[],
  initial: Json,
): Foresight<Json, CasRegisterInput, Json> {
  const seen = new Set<Mark>()
  const given = new Set([markOf(initial)])
  const needed = new Set<Mark>()
  let wasRefused = false
  for (const { input, output } of operations) {
    const [gift, need] = [givenMark(input, output), neededMark(input, output)]
    if (gift !== undefined) given.add(gift)
    if (need !== undefined) needed.add(need)
    if (input.op === 'read' && output !== undefined) seen.add(markOf(output))
    if (input.op === 'cas') seen.add(markOf(input.from))
    wasRefused ||= output === false && input.op === 'cas'
  }
  if ([...needed].some((mark) => !given.has(mark))) return { isHopeless: true }
  if (wasRefused) return {}
  return {
    isSeen: (input) => input.op === 'read' || seen.has(markOf(input.op === 'write' ? input.value : input.to)),
    isHopeless: isHopelessRegister(operations, initial, markOf),
  }
}

function step(state: Json, input: CasRegisterInput, output: Json | undefined): readonly Json[] {
  switch (input.op) {
    case 'read':
      return output === undefined || sameJson(state, output) ? [state] : IMPOSSIBLE
    case 'write':
      return [input.value]
    case 'cas': {
      const matches = sameJson(state, input.from)
      if (output === false) return matches ? IMPOSSIBLE : [state]
      return matches ? [input.to] : IMPOSSIBLE
    }
  }
}

function describe(input: CasRegisterInput, output: Json | undefined): string {
  const result = output === undefined ? '' : ` → ${JSON.stringify(output)}`
  switch (input.op) {
    case 'read':
      return `read${result}`
    case 'write':
      return `write ${JSON.stringify(input.value)}`
    case 'cas':
      return `cas ${JSON.stringify(input.from)} to ${JSON.stringify(input.to)}${result}`
  }
}

import type { AimedCrash, Aims } from './plan.ts'

/** Makes a T of what JSON gave, or throws a SyntaxError that names the place. */
export type Read<T> = (value: unknown, where: string) => T

/** What stands there, for an error. A number too large for JSON is written as one. */
function textOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing')
}

/** Throws a SyntaxError where `text` is no JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SyntaxError(`the story is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** An object with these fields and no others. */
export function objectIn(
  value: unknown,
  where: string,
  fields: readonly string[],
  optional: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`${where} is an object, got ${textOf(value)}`)
  }
  for (const name of fields) if (!Object.hasOwn(value, name)) throw new SyntaxError(`${where}.${name} is missing`)
  for (const name of Object.keys(value)) {
    if (!fields.includes(name) && !optional.includes(name)) throw new SyntaxError(`${where} has no field "${name}"`)
  }
  return value as Readonly<Record<string, unknown>>
}

export const textIn: Read<string> = (value, where) => {
  if (typeof value !== 'string') throw new SyntaxError(`${where} is a text, got ${textOf(value)}`)
  return value
}

export const numberIn: Read<number> = (value, where) => {
  if (typeof value !== 'number' || !(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new SyntaxError(`${where} is a number of 0 or more, got ${textOf(value)}`)
  }
  return value
}

/** A chance, or a part of a whole. */
export const shareIn: Read<number> = (value, where) => {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
    throw new SyntaxError(`${where} is a number from 0 to 1, got ${textOf(value)}`)
  }
  return value
}

/** A whole number that counts something, or says which one. */
export const countIn: Read<number> = (value, where) => {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new SyntaxError(`${where} is a whole number of 1 or more, got ${textOf(value)}`)
  }
  return value as number
}

export const wholeIn: Read<number> = (value, where) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new SyntaxError(`${where} is a whole number of 0 or more, got ${textOf(value)}`)
  }
  return value as number
}

export function listOf<T>(read: Read<T>): Read<T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new SyntaxError(`${where} is a list, got ${textOf(value)}`)
    return value.map((item, i) => read(item, `${where}[${i}]`))
  }
}

const readCrash: Read<AimedCrash> = (value, where) => {
  const crash = objectIn(value, where, ['moment', 'node', 'nth'])
  return {
    moment: textIn(crash['moment'], `${where}.moment`),
    node: textIn(crash['node'], `${where}.node`),
    nth: countIn(crash['nth'], `${where}.nth`),
  }
}

export const readAims: Read<Aims> = (value, where) => {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  if (type === 'exactly') {
    const { crashes } = objectIn(value, where, ['type', 'crashes'])
    return { type, crashes: listOf(readCrash)(crashes, `${where}.crashes`) }
  }
  if (type !== 'drawn') throw new SyntaxError(`${where}.type is "drawn" or "exactly", got ${JSON.stringify(type)}`)
  const { rates } = objectIn(value, where, ['type', 'rates'])
  const moments = Object.keys(objectIn(rates, `${where}.rates`, [], Object.keys(rates ?? {})))
  const read = (moment: string): number =>
    shareIn((rates as Record<string, unknown>)[moment], `${where}.rates.${moment}`)
  return { type, rates: Object.fromEntries(moments.map((moment) => [moment, read(moment)])) }
}

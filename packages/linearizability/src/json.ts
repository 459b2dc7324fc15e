/** What a line of JSON can carry. Histories hold nothing else, so that each can be written down and judged again elsewhere. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * A deep copy of `value`, for which nobody can change it later. `undefined` is `null`, and a property that is undefined is left out.
 *
 * @throws TypeError when JSON cannot carry it: a function, a bigint, NaN, a class with state of its own, a cycle.
 */
export function copyJson(value: unknown, path = 'the value'): Json {
  return copy(value, path, 0)
}

/** How many levels of lists and objects a value may have: it is compared and written down by recursion. */
export const MAX_DEPTH = 100

function copy(value: unknown, path: string, depth: number): Json {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value === 0 ? 0 : value
    throw new TypeError(`${path} is ${value}, which JSON cannot carry`)
  }
  if (typeof value !== 'object') throw new TypeError(`${path} is a ${typeof value}, which JSON cannot carry`)
  if (depth === MAX_DEPTH) throw new TypeError(`${path} is more than ${MAX_DEPTH} levels deep, or contains itself`)
  if (Array.isArray(value)) return value.map((item, index) => copy(item, `${path}[${index}]`, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new TypeError(`${path} is an instance of a class, which JSON cannot carry; give a plain object`)
  }
  // Pairs and not assignments: `__proto__` is a name like any other.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [name, copy(item, `${path}.${name}`, depth + 1)]),
  )
}

/** Whether two values are the same JSON. The order of properties does not count, and an undefined one is like none. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameJson(item, b[index]))
  }
  const [left, right] = [definedEntries(a), definedEntries(b)]
  if (left.length !== right.length) return false
  return left.every(([name, item]) => Object.hasOwn(b, name) && sameJson(item, (b as Record<string, unknown>)[name]))
}

const definedEntries = (value: object): [string, unknown][] =>
  Object.entries(value).filter(([, item]) => item !== undefined)

/** A 32-bit number that is the same for values that are the same JSON. */
export function hashJson(value: unknown): number {
  if (typeof value === 'number') return hashNumber(value)
  if (typeof value === 'string') return hashText(value)
  if (typeof value !== 'object' || value === null) return value === true ? 0x2545f491 : value === false ? 0x4b7f : 0x71
  if (Array.isArray(value)) return value.reduce((hash: number, item) => mixHash(hash, hashJson(item)), value.length)
  let hash = 0x51ed27
  for (const [name, item] of definedEntries(value)) hash = (hash + mixHash(hashText(name), hashJson(item))) | 0
  return hash
}

function hashNumber(value: number): number {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return mixHash(0x1b873593, value)
  return hashText(String(value))
}

/** FNV-1a over the units of the text. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash | 0
}

/** Adds a number to a hash, so that the order of what is added counts. */
export function mixHash(hash: number, added: number): number {
  let mixed = Math.imul(hash ^ Math.imul(added, 0x9e3779b1), 0x85ebca6b)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 13)) | 0
}

/** One text for all values that are the same JSON: properties are in the order of their names. */
export function canonicalText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`
  const entries = definedEntries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalText(item)}`).join()}}`
}

const MAX_SHOWN = 120

/** A value as JSON for a message: no more of it than a person will read. */
export function showJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

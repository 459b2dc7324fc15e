import { MAX_DEPTH } from './json.ts'

/** A line of a history: an object. */
export interface JsonLine {
  /** From 1. */
  readonly line: number
  readonly record: Readonly<Record<string, unknown>>
}

/** Throws the error of the format that is being read. */
type Fail = (why: string, line: number, cause?: unknown) => never

/**
 * The objects of a text of JSON lines; empty lines are passed over, and so is a byte order mark. What Node.js would read as something
 * else than is written, a number that is too large to be exact, is refused: two values that become one would change the verdict.
 */
export function* readJsonLines(text: string, fail: Fail): Generator<JsonLine> {
  let line = 0
  let begin = text.startsWith('\uFEFF') ? 1 : 0
  while (begin < text.length) {
    line += 1
    const newline = text.indexOf('\n', begin)
    const end = newline < 0 ? text.length : newline
    const source = text.slice(begin, end)
    begin = end + 1
    if (source.trim() === '') continue
    yield { line, record: parseLine(source, line, fail) }
  }
}

function parseLine(source: string, line: number, fail: Fail): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (cause) {
    return fail(`is not JSON (${(cause as Error).message})`, line, cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('is not an object', line)
  const found = survey(value, 0)
  if (found === 'deep') fail(`is more than ${MAX_DEPTH} levels deep`, line)
  const inexact = found === 'large' ? inexactNumber(source) : undefined
  if (inexact !== undefined) {
    fail(`has the number ${inexact}, which is too large to be read exactly; write it as a text`, line)
  }
  return value as Readonly<Record<string, unknown>>
}

/** Whether a value is too deep, or else holds a number so large that it may not be the one that was written. */
function survey(value: unknown, depth: number): 'deep' | 'large' | undefined {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER ? 'large' : undefined
  if (typeof value !== 'object' || value === null) return undefined
  // The record itself is one level more than what it holds.
  if (depth > MAX_DEPTH) return 'deep'
  let found: 'large' | undefined
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    const inside = survey(item, depth + 1)
    if (inside === 'deep') return inside
    found ??= inside
  }
  return found
}

const MAX_SHOWN = 40

/** The first number of the line that is not what was written: too large for any number, or a whole one between two that there are. */
function inexactNumber(source: string): string | undefined {
  const withoutTexts = source.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  const inexact = withoutTexts.match(/-?\d[\d.eE+-]*/g)?.find((token) => {
    const number = Number(token)
    return !Number.isFinite(number) || (/^-?\d+$/.test(token) && BigInt(token) !== BigInt(number))
  })
  return inexact !== undefined && inexact.length > MAX_SHOWN ? `${inexact.slice(0, MAX_SHOWN)}…` : inexact
}

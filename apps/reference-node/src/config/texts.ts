import { z } from 'zod'

export const name: z.ZodType<string, string> = z
  .string()
  .min(1, 'must not be empty')
  .max(64, 'must have at most 64 characters')
export const list: z.ZodType<readonly string[], string> = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .pipe(z.array(z.string().min(1, 'has an empty item')))

export const yesOrNo: z.ZodType<boolean, string> = z
  .string()
  .regex(/^(true|false)$/, 'must be true or false')
  .transform((text) => text === 'true')
const ADDRESS = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]=]+):(\d{1,5})$/
/** Whether `text` is host:port. Port 0, a free one, is for nobody to dial. */
export function isAddress(text: string, minPort: number): boolean {
  const port = Number(ADDRESS.exec(text)?.[1])
  return port >= minPort && port <= 65_535
}
/** A list that may be empty. */
export const anyList: z.ZodType<readonly string[], string> = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .transform((items) => items.filter((item) => item !== ''))
/** As they stand in the `Host` of a request, without a port. */
export const hostNames: z.ZodType<readonly string[], string> = anyList.refine(
  (names) => names.every((name) => /^(\*|[\w-]+(\.[\w-]+)*)$/.test(name)),
  'must be names of ASCII letters, digits, dots, "_" and "-", without a port (others as xn--…), or *',
)
/** A text that may be left out. */
export const optional: z.ZodType<string | undefined, string> = z.string().transform((text) => text || undefined)

export const table: z.ZodType<ReadonlyMap<string, string>, string> = z.string().transform((text, context) => {
  const found = new Map<string, string>()
  for (const item of text === '' ? [] : text.split(',')) {
    const [id = '', where = '', ...rest] = item.trim().split('=')
    if (id === '' || !isAddress(where, 1) || rest.length > 0 || found.has(id)) {
      context.addIssue('must be id=host:port, with a port from 1 to 65535, commas between them and each id once')
      return z.NEVER
    }
    found.set(id, where)
  }
  return found
})

export const labels: z.ZodType<Readonly<Record<string, string>>, string> = z.string().transform((text, context) => {
  const found = new Map<string, string>()
  for (const item of text === '' ? [] : text.split(',')) {
    const equals = item.indexOf('=')
    const label = item.slice(0, Math.max(0, equals)).trim()
    if (label === '' || found.has(label)) {
      context.addIssue('must be name=value, with commas between them and each name once')
      return z.NEVER
    }
    found.set(label, item.slice(equals + 1).trim())
  }
  return Object.fromEntries(found)
})

export function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  const range = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,12}$/, range)
    .transform(Number)
    .pipe(z.number().min(min, range).max(max, range))
}

export const hidden = (whyNot: (text: string) => string | undefined): z.ZodType<string | undefined, string> =>
  optional.superRefine((text, context) => {
    const why = text === undefined ? undefined : whyNot(text)
    if (why !== undefined) context.addIssue(why)
  })

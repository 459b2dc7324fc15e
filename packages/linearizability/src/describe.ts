import type { Operation } from './history.ts'
import type { AnyModel } from './model.ts'

/** The longest text for one operation or state: a picture is no place for more. */
const MAX_CHARACTERS = 200

/** An operation in a few characters. */
export function describeOperation(model: AnyModel, { input, output, outcome, key }: Operation): string {
  const text =
    model.describe === undefined
      ? `${JSON.stringify(input)}${output === undefined ? '' : ` → ${JSON.stringify(output)}`}`
      : model.describe(input, output, key)
  return shorten(
    outcome === 'ok' ? text : `${text}, ${outcome === 'fail' ? 'failed' : 'outcome unknown'}`,
    MAX_CHARACTERS,
  )
}

/** A state in a few characters. */
export function describeState(model: AnyModel, state: unknown): string {
  return shorten(
    model.describeState === undefined ? (JSON.stringify(state) ?? 'nothing') : model.describeState(state),
    MAX_CHARACTERS,
  )
}

/** The beginning of a text that is too long. */
export const shorten = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters - 1)}…`

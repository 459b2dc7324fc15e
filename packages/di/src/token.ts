declare const type: unique symbol

/** The name of a part in a {@link NodeScope}, which knows the part's type. Two tokens are never equal, whatever their names. */
export interface Token<out T> {
  readonly symbol: symbol
  readonly name: string
  readonly [type]?: T
}

/** Makes a token. `name` is for people: it appears in error messages. */
export function token<T>(name: string): Token<T> {
  return Object.freeze({ symbol: Symbol(name), name })
}

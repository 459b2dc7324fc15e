/**
 * What a {@link NodeScope} needs of a dependency-injection container. A child container of tsyringe fits as it is; so
 * does anything of this shape.
 */
export interface Container {
  register(token: symbol, provider: { readonly useFactory: () => unknown }): unknown
  resolve(token: symbol): unknown
  isRegistered(token: symbol, recursive?: boolean): boolean
}

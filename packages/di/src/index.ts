export type { Container } from './container.ts'
export { WiringError, type WiringErrorCode } from './errors.ts'
export { type Factory, type Module, NodeScope, type ScopeStartOptions } from './node-scope.ts'
export { type Token, token } from './token.ts'

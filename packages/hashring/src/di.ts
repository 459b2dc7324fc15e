import { type Module, type Token, token } from '@dsys/di'
import { createRing, type Ring } from './core/ring.ts'
import type { RingOptions } from './options.ts'

/** The ring that a node starts with. It never changes; who follows the members keeps the later rings himself. */
export const HASH_RING: Token<Ring> = token('dsys.HashRing')

/** Registers a ring made of `options`. */
export function hashring(options: RingOptions): Module {
  return (scope) => void scope.register(HASH_RING, () => createRing(options))
}

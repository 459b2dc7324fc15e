import type { ConformanceDeclaration } from '../../src/conformance.ts'
import type { LoopbackClass } from '../fixture.ts'

/** An adapter with one bug, and the cases that must find it. */
export interface Planted {
  readonly bug: string
  readonly found: readonly string[]
  /** Default: all that can be declared. */
  readonly declares?: ConformanceDeclaration
  readonly kind: LoopbackClass
}

/** What an adapter declares that can do nothing. */
export const NOTHING: ConformanceDeclaration = { broadcast: false, fastNegative: false, ordered: false, outages: false }

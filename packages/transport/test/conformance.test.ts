import { transportConformance } from '@dsys/transport/conformance'
import { describe, test } from 'vitest' // or from 'node:test'
import { Loopback } from './loopback.ts' // your adapter

transportConformance(
  { describe, test },
  () => {
    const wire = new Map<string, Loopback>() // a network of its own for each case
    return { endpoint: (self) => new Loopback(wire, self) }
  },
  { broadcast: false, fastNegative: false, ordered: true, outages: false }, // what your adapter can do
)

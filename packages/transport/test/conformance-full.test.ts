import { describe, test } from 'vitest'
import { transportConformance } from '../src/conformance.ts'
import { ALL, fixtureOf } from './fixture.ts'
import { FullLoopback } from './full-loopback.ts'

transportConformance({ describe, test }, () => fixtureOf(FullLoopback), ALL)

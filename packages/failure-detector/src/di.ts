import { type Module, type Token, token } from '@dsys/di'
import { createFailureDetector } from './create-failure-detector.ts'
import type { FailureDetector } from './detector.ts'
import type { FailureDetectorOptions } from './options.ts'

/** Makes a detector for a peer that is watched from `watchedSinceMs` on. Detectors are values, so what a node shares is how to make one. */
export type FailureDetectorFactory = (watchedSinceMs?: number) => FailureDetector

/** How the node makes the detectors of its peers. */
export const FAILURE_DETECTORS: Token<FailureDetectorFactory> = token('dsys.FailureDetectors')

/** Registers how detectors are made. Throws RangeError, when the node is built, for options out of their limits. */
export function failureDetectors(options: FailureDetectorOptions = {}): Module {
  return (scope) =>
    void scope.register(FAILURE_DETECTORS, () => {
      createFailureDetector(options)
      return (watchedSinceMs) =>
        createFailureDetector(watchedSinceMs === undefined ? options : { ...options, watchedSinceMs })
    })
}

export { createFailureDetector } from './create-failure-detector.ts'
export type {
  DetectorExplanation,
  ExplanationBase,
  FailureDetector,
  PhiAccrualExplanation,
  TimeoutExplanation,
} from './detector.ts'
export { DetectorTimeError } from './errors.ts'
export {
  type FailureDetectorOptions,
  PHI_ACCRUAL_DEFAULTS,
  type PhiAccrualOptions,
  type PhiDistribution,
  type PhiScale,
  type ResolvedPhiAccrual,
  type TimeoutOptions,
} from './options.ts'

import { mixHash } from '../json.ts'
import { IMPOSSIBLE, type Model } from '../model.ts'
import { exactly, fields, nothing, oneOf, operationProblem, revision, truth } from './shape.ts'

/**
 * What a lock takes. `acquire` returns `{ acquired: true, fence }`, or `{ acquired: false }` when it was held; `release` returns whether
 * the lock was held with that fence; `holder` returns `{ fence }`, or `null` when nobody holds it.
 */
export type LockInput =
  | { readonly op: 'acquire' }
  | { readonly op: 'release'; readonly fence: number }
  | { readonly op: 'holder' }

/** What a lock gives. */
export type LockOutput =
  | { readonly acquired: true; readonly fence: number }
  | { readonly acquired: false }
  | { readonly fence: number }
  | boolean
  | null

/** Who holds it, as far as it can be known: an acquire of unknown outcome has a fence that nobody was told. */
export interface LockState {
  readonly isHeld: boolean
  /** The fence of the latest acquisition is this or more; 0 before the first one. */
  readonly lowest: number
  /** And this or less. When the lock is free, only `lowest` counts. */
  readonly highest: number
}

const OPERATIONS = {
  acquire: {
    input: {},
    output: oneOf(fields({ acquired: exactly(true), fence: revision }), fields({ acquired: exactly(false) })),
  },
  release: { input: { fence: revision }, output: truth },
  holder: { input: {}, output: oneOf(nothing, fields({ fence: revision })) },
}

/** Options of {@link lockModel}. */
export interface LockModelOptions {
  /**
   * Whether the lock can be lost without a release, as with a lease: then somebody else may acquire it at any time, and only the
   * fences, which still must grow, keep the holders apart. Default: false.
   */
  readonly expires?: boolean
}

/** A lock with fencing tokens: one holder at a time, and each acquisition has a higher fence than all before it. */
export function lockModel(options: LockModelOptions = {}): Model<LockState, LockInput, LockOutput> {
  const { expires = false } = options
  return {
    name: expires ? 'lock-with-expiry' : 'lock',
    init: () => freeAfter(0),
    step: (state, input, output) => {
      if (!expires || !state.isHeld) return step(state, input, output)
      // It may have expired just before the operation.
      return [...step(state, input, output), ...step(freeAfter(state.lowest), input, output)]
    },
    readOnly: (input, output) => {
      if (input.op === 'acquire') return isRefused(output)
      if (input.op === 'release') return output === false && !expires
      // Who finds that nobody holds it has found out that it expired.
      return output !== null || !expires
    },
    equals: (a, b) => a.isHeld === b.isHeld && a.lowest === b.lowest && a.highest === b.highest,
    hash: ({ isHeld, lowest, highest }) =>
      mixHash(mixHash(isHeld ? 1 : 2, lowest), Number.isFinite(highest) ? highest : -1),
    problem: (input, output) => operationProblem(OPERATIONS, input, output),
    describe,
    describeState: ({ isHeld, lowest, highest }) => {
      if (!isHeld) return `free, next fence above ${lowest}`
      return `held, fence ${lowest === highest ? '' : 'at least '}${lowest}`
    },
  }
}

const freeAfter = (fence: number): LockState => ({ isHeld: false, lowest: fence, highest: fence })
const heldWith = (lowest: number, highest: number): LockState => ({ isHeld: true, lowest, highest })

function step(state: LockState, input: LockInput, output: LockOutput | undefined): readonly LockState[] {
  switch (input.op) {
    case 'acquire': {
      if (state.isHeld) return isRefused(output) ? [state] : IMPOSSIBLE
      if (isRefused(output)) return IMPOSSIBLE
      const fence = fenceOf(output)
      if (fence === undefined) return [heldWith(state.lowest + 1, Number.POSITIVE_INFINITY)]
      return fence > state.lowest ? [heldWith(fence, fence)] : IMPOSSIBLE
    }
    case 'release':
      if (output === false) return withoutFence(state, input.fence)
      return couldBe(state, input.fence) ? [freeAfter(input.fence)] : IMPOSSIBLE
    case 'holder': {
      if (output === undefined) return [state]
      const fence = fenceOf(output)
      if (fence === undefined) return state.isHeld ? IMPOSSIBLE : [state]
      return couldBe(state, fence) ? [heldWith(fence, fence)] : IMPOSSIBLE
    }
  }
}

const couldBe = ({ isHeld, lowest, highest }: LockState, fence: number): boolean =>
  isHeld && lowest <= fence && fence <= highest

/** What remains possible when the lock is not held with this fence. */
function withoutFence(state: LockState, fence: number): readonly LockState[] {
  if (!couldBe(state, fence)) return [state]
  const below = fence > state.lowest ? [heldWith(state.lowest, fence - 1)] : IMPOSSIBLE
  const above = fence < state.highest ? [heldWith(fence + 1, state.highest)] : IMPOSSIBLE
  return [...below, ...above]
}

function fenceOf(output: LockOutput | undefined): number | undefined {
  return typeof output === 'object' && output !== null && 'fence' in output ? output.fence : undefined
}

function isRefused(output: LockOutput | undefined): boolean {
  return typeof output === 'object' && output !== null && 'acquired' in output && !output.acquired
}

function describe(input: LockInput, output: LockOutput | undefined): string {
  const call = input.op === 'release' ? `release ${input.fence}` : input.op
  if (output === undefined) return call
  if (isRefused(output)) return `${call} → held`
  const fence = fenceOf(output)
  if (fence !== undefined) return `${call} → fence ${fence}`
  return `${call} → ${output === null ? 'free' : output === true ? 'done' : 'not held'}`
}

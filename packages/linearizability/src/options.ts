/** Options of a check. */
export interface CheckOptions {
  /**
   * How much may be tried before the verdict is `undecided`, over all keys together: each look at an operation in one configuration is
   * a step. A million steps take well under a second and some forty megabytes. Default: 20 million.
   */
  readonly budget?: number
}

/** The defaults of {@link CheckOptions}. */
export const CHECK_DEFAULTS: Readonly<Required<CheckOptions>> = Object.freeze({ budget: 20_000_000 })

/** @throws RangeError when the budget is not a whole number of 1 or more. */
export function checkOptions(options: CheckOptions): Required<CheckOptions> {
  const budget = options.budget ?? CHECK_DEFAULTS.budget
  if (!Number.isSafeInteger(budget) || budget < 1) {
    throw new RangeError(`budget must be a whole number of 1 or more, got ${budget}`)
  }
  return { budget }
}

type Register = (name: string, body: () => Promise<void>) => unknown

/** The functions of a test runner that a suite needs. Those of vitest, jest, mocha and node:test fit. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown
  /** Registers one case. With `skip`, a case that the adapter does not support is reported as skipped, else left out. */
  readonly test: Register & { readonly skip?: Register }
}

/** One case of a suite. */
export interface Case<Place, Feature extends string> {
  readonly name: string
  /** What the adapter must support for this case to make sense. */
  readonly needs?: Feature | readonly Feature[]
  /** @param another makes a further place, which the case disposes. */
  readonly run: (place: Place, another: () => Promise<Place>) => Promise<void>
}

/** Registers `cases`, each with a place of its own, which is disposed afterwards. */
export function register<Place extends AsyncDisposable, Feature extends string>(
  runner: TestRunner,
  suite: string,
  cases: readonly Case<Place, Feature>[],
  factory: { readonly create: () => Promise<Place>; readonly supports?: readonly Feature[] },
): void {
  runner.describe(suite, () => {
    for (const { name, needs, run } of cases) {
      const body = async (): Promise<void> => {
        await using place = await factory.create()
        await run(place, factory.create)
      }
      const needed = needs === undefined ? [] : typeof needs === 'string' ? [needs] : needs
      const missing = needed.filter((feature) => !factory.supports?.includes(feature))
      if (missing.length === 0) runner.test(name, body)
      else runner.test.skip?.(`${name} (not supported: ${missing.join(', ')})`, body)
    }
  })
}

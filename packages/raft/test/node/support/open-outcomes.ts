/**
 * For a call whose outcome is open: it may fail, but only with an error of one of these codes, or names where it has none. Any other is thrown on, and fails the
 * test run even if nobody waits for the call.
 */
export const failsOnlyWith =
  (...codes: readonly string[]) =>
  (error: unknown): undefined => {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
    if (!codes.includes(String(code)) && !codes.includes(String(name))) throw error
    return undefined
  }

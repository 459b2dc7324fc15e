import { delay, systemClock } from '@dsys/runtime'

const LOOK_EVERY_MS = 20

/** Looks again and again until `look` gives something, and fails with what it was waiting for when the time is over. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`)
    await delay(systemClock, LOOK_EVERY_MS)
  }
}

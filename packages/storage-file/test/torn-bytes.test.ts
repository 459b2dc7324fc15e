import { ok } from 'node:assert/strict'
import { describe, test } from 'vitest'
import { tearEverywhere } from './torn-bytes.ts'

// DSYS_WAL_PROOF=<seeds> tries every byte and every set of sectors, for so many programs: some minutes for each.
const exhaustive = Number(process.env.DSYS_WAL_PROOF ?? 0)

describe('power is lost before any operation of the disk, and in any part of any write: nothing acknowledged is lost, nothing is invented (P-38, P-40, P-43)', () => {
  if (exhaustive > 0) {
    for (let seed = 1; seed <= exhaustive; seed++) {
      test(`every byte and every set of sectors, seed ${seed}`, { timeout: 3_600_000 }, async () => {
        const places = await tearEverywhere(seed, 72, { bytes: 1, sectors: 1 })
        ok(places > 10_000, `${places} places`)
      })
    }
    return
  }
  test('some of the bytes and sets of sectors', { timeout: 60_000 }, async () => {
    const places = await tearEverywhere(1, 64, { bytes: 401, sectors: 7 })
    ok(places > 500, `${places} places`)
  })
})

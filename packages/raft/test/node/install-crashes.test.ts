import { describe, expect, test } from 'vitest'
import { crashEverywhere, tearEverywhere } from './support/install-crashes.ts'
import { InstallProgram, type Terms } from './support/install-program.ts'

// DSYS_INSTALL_PROOF=1 tries all cases, every byte, every set of sectors, and several crashes in each operation: some minutes.
const exhaustive = process.env.DSYS_INSTALL_PROOF !== undefined

const termsOf = (...runs: readonly (readonly [term: number, count: number])[]): Terms =>
  runs.flatMap(([term, count]) => Array.from({ length: count }, () => term))

interface Case {
  readonly what: string
  /** How long the log of the follower is, all of it of term 1 and acknowledged, when the snapshot at 8 comes. */
  readonly has: number
  /** The terms of the log of the leader that sends it. */
  readonly terms: Terms
  /** The last of its own entries that the follower keeps. */
  readonly keepsThrough: number
}

const CASES: readonly Case[] = [
  { what: 'shorter than the snapshot', has: 5, terms: termsOf([1, 5], [2, 20]), keepsThrough: 8 },
  { what: 'that ends where the snapshot does', has: 8, terms: termsOf([1, 8], [2, 20]), keepsThrough: 8 },
  {
    what: 'with entries past the snapshot that go on from it',
    has: 12,
    terms: termsOf([1, 12], [2, 20]),
    keepsThrough: 12,
  },
  {
    what: 'with entries past the snapshot that conflict with it',
    has: 12,
    terms: termsOf([1, 5], [2, 20]),
    keepsThrough: 8,
  },
]

/** A log, a snapshot over it, entries behind that, a newer snapshot over the older one, and entries again. */
async function programOf({ has, terms, keepsThrough }: Case): Promise<InstallProgram> {
  const program = new InstallProgram()
  program.append({ term: 1, terms: termsOf([1, has]) }, has, 3)
  await program.install({ term: 3, terms }, 8, keepsThrough)
  program.append({ term: 3, terms }, 14, 9)
  await program.install({ term: 4, terms }, 18, 0)
  program.append({ term: 4, terms }, 20, 20)
  return program
}

describe('a crash while a snapshot is installed over a log leaves the state before or the one after, with all that was acknowledged (P-34)', () => {
  for (const each of CASES) {
    if (!exhaustive && each.has < 12) continue
    test(`a log ${each.what}: in any operation of the disk`, { timeout: 600_000 }, async () => {
      expect(await crashEverywhere(await programOf(each), exhaustive)).toBeGreaterThan(45)
    })

    test(`a log ${each.what}: in any part of a write`, { timeout: 3_600_000 }, async () => {
      const sparse = exhaustive ? { bytes: 1, sectors: 1 } : { bytes: 401, sectors: 13 }
      expect(await tearEverywhere(await programOf(each), sparse)).toBeGreaterThan(exhaustive ? 3_000 : 60)
    })
  }
})

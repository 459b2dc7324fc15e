import { writeText } from '../files.ts'
import { computeHashes, differences, digestOf, HASH_FILE, RENEW_COMMAND, readHashes } from '../hash-table.ts'
import { counted } from '../numbers.ts'
import { SCENARIOS } from '../scenarios/scenarios.ts'
import { EXIT_BAD, EXIT_GOOD, type Session } from './session.ts'

/** The flags of the table of hashes. */
export interface HashesFlags {
  readonly write?: boolean
  /** Print one hash over so many seeds of each scenario instead. */
  readonly seeds?: number
}

/** Prints the trace hashes of a few seeds and compares them with the kept ones, or keeps the new ones. */
export async function hashesCommand(flags: HashesFlags, { say }: Pick<Session, 'say'>): Promise<number> {
  say(`Node.js ${process.version} on ${process.platform} ${process.arch}`)
  if (flags.seeds !== undefined) {
    for (const scenario of SCENARIOS) {
      say(`  ${scenario.name.padEnd(12)}${await digestOf(scenario, flags.seeds)} over ${counted(flags.seeds, 'seed')}`)
    }
    return EXIT_GOOD
  }
  const found = await computeHashes(SCENARIOS)
  for (const [scenario, hashes] of Object.entries(found)) {
    for (const [seed, hash] of Object.entries(hashes)) say(`  ${scenario.padEnd(12)}${seed.padStart(6)}  ${hash}`)
  }
  if (flags.write === true) {
    writeText(HASH_FILE, `${JSON.stringify(found, undefined, 2)}\n`)
    say('Kept in apps/simulator/test/hashes.json.')
    return EXIT_GOOD
  }
  const changed = differences(readHashes(), found)
  if (changed.length === 0) {
    say('As kept.')
    return EXIT_GOOD
  }
  for (const line of changed) say(line)
  say(`When the behaviour was meant to change: ${RENEW_COMMAND}`)
  return EXIT_BAD
}

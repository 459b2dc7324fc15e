import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Scenario } from '@dsys/simulation'

/** Trace hashes by scenario and seed. */
export type HashTable = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The seeds whose hashes are kept. */
export const HASH_SEEDS: readonly number[] = [1, 2, 3]

/** Where the table is kept; the same from the sources and from the build. */
export const HASH_FILE: string = fileURLToPath(new URL('../test/hashes.json', import.meta.url))

/** What to do when the hashes differ on purpose. */
export const RENEW_COMMAND = 'npm run simulate -- hashes --write'

/** Runs the kept seeds of each scenario. */
export async function computeHashes(
  scenarios: readonly Scenario[],
  seeds: readonly number[] = HASH_SEEDS,
): Promise<HashTable> {
  const table: Record<string, Record<string, string>> = {}
  for (const scenario of scenarios) {
    const hashes: Record<string, string> = {}
    for (const seed of seeds) hashes[seed] = (await scenario.run(scenario.plan(seed))).hash
    table[scenario.name] = hashes
  }
  return table
}

/** One hash over those of the seeds 1 to `seeds`: to compare two machines, or two versions of Node.js, by one line. */
export async function digestOf(scenario: Scenario, seeds: number): Promise<string> {
  const digest = createHash('sha256')
  for (let seed = 1; seed <= seeds; seed++) digest.update(`${seed} ${(await scenario.run(scenario.plan(seed))).hash}\n`)
  return digest.digest('hex').slice(0, 16)
}

/** The table as it was kept. */
export function readHashes(): HashTable {
  return JSON.parse(readFileSync(HASH_FILE, 'utf8'))
}

/** How two tables differ, a line for each seed; none when they are equal. */
export function differences(kept: HashTable, found: HashTable): string[] {
  const keys = (table: HashTable): string[] =>
    Object.entries(table).flatMap(([scenario, hashes]) => Object.keys(hashes).map((seed) => `${scenario} ${seed}`))
  const at = (table: HashTable, key: string): string => {
    const [scenario = '', seed = ''] = key.split(' ')
    return table[scenario]?.[seed] ?? 'none'
  }
  return [...new Set([...keys(kept), ...keys(found)])]
    .filter((key) => at(kept, key) !== at(found, key))
    .map((key) => `${key.replace(' ', ', seed ')}: ${at(kept, key)} was kept, ${at(found, key)} was found`)
}

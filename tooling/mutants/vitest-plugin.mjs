import { MUTANTS } from './all.mjs'
import { plant, ROOT, VARIABLE } from './mutant.mjs'

/**
 * Plants the mutant that the environment names into the sources, as vitest loads them. Without one it does nothing.
 *
 * @returns {import('vite').Plugin[]}
 */
export function mutantPlugin() {
  const name = process.env[VARIABLE]
  if (name === undefined) return []
  const mutant = MUTANTS.find((each) => each.name === name)
  if (mutant === undefined) throw new Error(`${VARIABLE} names no mutant: "${name}"`)
  const path = `${ROOT}${mutant.file}`
  return [
    {
      name: 'dsys-mutant',
      enforce: 'pre',
      transform: (code, id) => (id.split('?')[0] === path ? plant(mutant, code) : undefined),
    },
  ]
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transformWithOxc } from 'vite'
import { MUTANTS } from './all.mjs'
import { plant, ROOT, VARIABLE } from './mutant.mjs'

const mutant = MUTANTS.find(({ name }) => name === process.env[VARIABLE])
const built =
  mutant === undefined
    ? undefined
    : pathToFileURL(join(ROOT, mutant.file.replace('/src/', '/dist/').replace(/\.ts$/, '.js'))).href

/**
 * Gives the mutated source, translated, in place of the built file.
 *
 * @type {import('node:module').LoadHook}
 */
export async function load(url, context, nextLoad) {
  if (mutant === undefined || url !== built) return await nextLoad(url, context)
  const source = plant(mutant, await readFile(join(ROOT, mutant.file), 'utf8'))
  const { code } = await transformWithOxc(source, mutant.file)
  // The build rewrites these as well.
  return { format: 'module', shortCircuit: true, source: code.replace(/(from\s*["']\.[^"']*)\.ts(["'])/g, '$1.js$2') }
}

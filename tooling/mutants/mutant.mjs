import { fileURLToPath } from 'node:url'

/**
 * A bug that is planted into a protocol, to see that the tests find it.
 *
 * @typedef {object} Mutant
 * @property {string} name what is wrong, in a sentence
 * @property {string} source where the rule comes from that it breaks, and the ids of the known pitfalls that it falls into
 * @property {string} file relative to the repository
 * @property {string} from text that occurs once in the file
 * @property {string} to what takes its place
 * @property {'raft' | 'kv' | 'membership'} [scenario] which simulation can see it; none when only tests of the package can
 * @property {Readonly<Record<string, unknown>>} [fixed] knobs that make it likely to show
 */

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** By which a process is told the mutant that it runs. */
export const VARIABLE = 'DSYS_MUTANT'

/**
 * The text of the mutant's file with the bug in it.
 *
 * @param {Pick<Mutant, 'name' | 'file' | 'from' | 'to'>} mutant
 * @param {string} text
 */
export function plant({ name, file, from, to }, text) {
  const parts = text.split(from)
  if (parts.length !== 2) {
    throw new Error(
      `mutant "${name}": its text occurs ${parts.length - 1} times in ${file}, not once. ` +
        'The file has changed: mend the mutant, so that it breaks the same rule again.',
    )
  }
  return parts.join(to)
}

/**
 * The folder of the unit, a package or an application, that a file belongs to.
 *
 * @param {string} file relative to the repository
 */
export function unitOf(file) {
  return file.split('/').slice(0, 2).join('/')
}

/**
 * The known pitfalls of Raft that a mutant falls into, by their ids in packages/raft/PITFALLS.md.
 *
 * @param {Pick<Mutant, 'source'>} mutant
 * @returns {readonly string[]}
 */
export function pitfallsOf({ source }) {
  return source.match(/\bP-\d\d\b/g) ?? []
}

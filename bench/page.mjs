import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url))

/** @param {string} name */
const marksOf = (name) => ({ begin: `<!-- ${name}: begin -->`, end: `<!-- ${name}: end -->` })

/**
 * The page with one of its parts written anew. Each part belongs to one bench, and stands between two marks.
 *
 * @param {string} page
 * @param {string} name of the part
 * @param {string} text
 */
export function withPart(page, name, text) {
  const { begin, end } = marksOf(name)
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from)
    throw new Error(`docs/benchmarks.md has no part "${name}": it wants ${begin} and ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`
}

/** @param {string} name @param {string} text */
export function writePart(name, text) {
  writeFileSync(PAGE, withPart(readFileSync(PAGE, 'utf8'), name, text))
}

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MUTANTS } from './all.mjs'
import { ROOT } from './mutant.mjs'

/**
 * By what a mutant died when it was last run.
 *
 * @typedef {object} Death
 * @property {string} [test] the first test of its package that fails: its file and its title
 * @property {number} [seed] the seed with which its simulation breaks a promise ...
 * @property {string} [rule] ... and which promise
 * @property {number} [seeds] how many its simulation ran in vain, where it found nothing
 */

/**
 * What the last runs have found. The next one begins with it: what killed a mutant mostly does so again.
 *
 * @typedef {object} Score
 * @property {string} commit of the last run of all
 * @property {Record<string, Death>} deaths by the name of the mutant
 */

const FOUND = join(ROOT, 'tooling/mutants/found.json')

/** @returns {Score} */
export function readScore() {
  return JSON.parse(readFileSync(FOUND, 'utf8'))
}

/**
 * Those that are not planted any more are left out.
 *
 * @param {Score} score
 */
export function writeScore({ commit, deaths }) {
  const ordered = MUTANTS.flatMap(({ name }) => (deaths[name] === undefined ? [] : [[name, deaths[name]]]))
  writeFileSync(FOUND, `${JSON.stringify({ commit, deaths: Object.fromEntries(ordered) }, undefined, 2)}\n`)
}

/** @param {Death | undefined} death */
export const died = (death) => death?.test !== undefined || death?.seed !== undefined

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  checkAmbientWorld,
  checkComments,
  checkExactArithmetic,
  checkFiles,
  checkForms,
  checkPureCores,
  checkSizes,
} from './code.ts'
import { checkConformance, checkDependencies, checkDiApart, checkLayers, checkThirdParties } from './layers.ts'
import {
  checkErrorCodes,
  checkLinks,
  checkMachineWords,
  checkPublishedPages,
  checkReadmes,
  errorsPage,
} from './pages.ts'
import { checkDeadFiles, checkPackages, checkRootReferences } from './reach.ts'
import { ROOT, readRepository } from './repository.ts'

const repository = readRepository()

describe('the repository keeps its own rules', () => {
  test.each([
    ['imports go down the layers', checkLayers],
    ['containers and tokens stay in src/di.ts', checkDiApart],
    ['nothing from outside but where it belongs', checkThirdParties],
    ['imports, dependencies and references agree', checkDependencies],
    ['every adapter passes the conformance suite of its port', checkConformance],
    ['files and functions are short', checkSizes],
    ['the world comes through ports', checkAmbientWorld],
    ['cores are pure', checkPureCores],
    ['cores decide the same in every engine', checkExactArithmetic],
    ['the forms that the style leaves out are left out', checkForms],
    ['nothing is left for later in a comment', checkComments],
    ['files have names that say something, and no barrels', checkFiles],
    ['no file is dead', checkDeadFiles],
    ['every package has its parts', checkPackages],
    ['every README has its parts', checkReadmes],
    ['every error code is explained', checkErrorCodes],
    ['links lead somewhere', checkLinks],
    ['pages that a README leads to are published with it', checkPublishedPages],
    ['nothing speaks of one machine', checkMachineWords],
  ])('%s', (_rule, check) => {
    expect(check(repository)).toEqual([])
  })

  test('every package is built', () => {
    expect(checkRootReferences(repository.units, repository.texts.get('tsconfig.json') ?? '')).toEqual([])
  })

  test('docs/ERRORS.md says what the READMEs say', () => {
    const path = join(ROOT, 'docs/ERRORS.md')
    if (process.env['DSYS_REWRITE'] === '1') writeFileSync(path, errorsPage(repository))
    expect(readFileSync(path, 'utf8')).toBe(errorsPage(repository))
  })
})

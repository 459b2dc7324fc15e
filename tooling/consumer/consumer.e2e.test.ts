import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../bootstrap/environment.mjs'
import { promisedLines } from '../fixtures/readme-example.ts'
import { output, packAll } from '../publish/pack.mjs'

/** What the application imports. */
const IMPORTED = ['raft', 'transport-memory', 'storage-memory', 'runtime', 'transport']

/** These packages with all that they need: nothing comes from outside. */
function withDependencies(names: readonly string[]): Set<string> {
  const all = new Set(names)
  // A set goes on with what is added meanwhile.
  for (const name of all) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8'))
    for (const dependency of Object.keys(dependencies)) all.add(dependency.replace('@dsys/', ''))
  }
  return all
}

let app: string

beforeAll(async () => {
  // Outside of the workspace, so that nothing of it can be found by chance.
  app = await mkdtemp(join(tmpdir(), 'dsys-consumer-'))
  const tarballs = await packAll(join(app, 'tarballs'))
  await cp(join(ROOT, 'tooling/consumer/app'), app, { recursive: true })
  const dependencies = Object.fromEntries(
    [...withDependencies(IMPORTED)].map((name) => [`@dsys/${name}`, `file:${tarballs.get(name)}`]),
  )
  await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
  await output('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: app })
})

afterAll(() => rm(app, { recursive: true, force: true }))

test('three nodes from the packed packages commit entries, and each reads them', async () => {
  const printed = await output(process.execPath, ['main.mjs'], { cwd: app })
  expect(JSON.parse(printed)).toEqual({ totals: [6, 6, 6] })
})

test('the packed types compile for a user, without the condition of the workspace', async () => {
  expect(await output(join(ROOT, 'node_modules/.bin/tsc'), ['-p', app], { cwd: app })).toBe('')
})

test('the example of the README of raft runs as it stands, in a folder of its own', async () => {
  const readme = readFileSync(join(ROOT, 'packages/raft/README.md'), 'utf8')
  const [, example = ''] = /```ts\n([\s\S]*?)```\n/.exec(readme) ?? []
  await writeFile(join(app, 'readme.ts'), example)
  const tsconfig = { extends: './tsconfig.json', compilerOptions: { noEmit: false }, files: ['readme.ts'] }
  await writeFile(join(app, 'tsconfig.readme.json'), JSON.stringify(tsconfig))
  expect(await output(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.readme.json'], { cwd: app })).toBe('')
  const printed = await output(process.execPath, ['readme.js'], { cwd: app })
  expect(printed.trimEnd().split('\n')).toEqual(promisedLines(readme, example))
  expect(printed).toBe('2\n5\n5\n')
})

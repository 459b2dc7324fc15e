import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../bootstrap/environment.mjs'
import { output, packAll } from '../publish/pack.mjs'

/** What the application imports, and what these packages need: nothing comes from outside. */
const INSTALLED = ['raft', 'transport-memory', 'storage-memory', 'runtime', 'di', 'transport', 'storage']

let app: string

beforeAll(async () => {
  // Outside of the workspace, so that nothing of it can be found by chance.
  app = await mkdtemp(join(tmpdir(), 'dsys-consumer-'))
  const tarballs = await packAll(join(app, 'tarballs'))
  await cp(join(ROOT, 'tooling/consumer/app'), app, { recursive: true })
  const dependencies = Object.fromEntries(INSTALLED.map((name) => [`@dsys/${name}`, `file:${tarballs.get(name)}`]))
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

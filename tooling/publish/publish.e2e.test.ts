import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sourceOf } from '../bootstrap/build.mjs'
import { ROOT } from '../bootstrap/environment.mjs'
import { output, packAll } from './pack.mjs'

const packages = readdirSync(join(ROOT, 'packages')).filter((name) =>
  existsSync(join(ROOT, 'packages', name, 'package.json')),
)

let work: string
let tarballs: Map<string, string>

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'dsys-publish-'))
  tarballs = await packAll(join(work, 'tarballs'))
})

afterAll(() => rm(work, { recursive: true, force: true }))

const unpacked = new Map<string, Promise<string>>()

/** Where the content of the tarball of a package lies. Unpacked once: the tests of a package run at the same time. */
function unpack(name: string): Promise<string> {
  const known = unpacked.get(name) ?? unpackOnce(name)
  unpacked.set(name, known)
  return known
}

async function unpackOnce(name: string): Promise<string> {
  const folder = join(work, 'unpacked', name)
  await mkdir(folder, { recursive: true })
  await output('tar', ['-xzf', tarballs.get(name) ?? '', '-C', folder])
  return join(folder, 'package')
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

test('every package is packed', () => {
  expect([...tarballs.keys()].sort()).toEqual([...packages].sort())
})

describe.concurrent.each(packages)('%s', (name) => {
  test('the tarball holds what a user needs, and nothing else', async () => {
    const folder = await unpack(name)
    const files = filesBelow(folder)
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']),
    )
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('Apache License')
    expect(
      files.filter(
        (file) => !/^(LICENSE|[A-Z-]+\.md|package\.json|src\/.+\.ts|dist\/.+\.(js|d\.ts)(\.map)?)$/.test(file),
      ),
    ).toEqual([])
    const orphans = files
      .filter((file) => file.startsWith('dist/'))
      .filter((file) => !files.includes(`src/${sourceOf(file.slice('dist/'.length))}`))
    expect(orphans).toEqual([])
  })

  test('its package.json means something outside of the workspace', async () => {
    const text = readFileSync(join(await unpack(name), 'package.json'), 'utf8')
    expect(text).not.toMatch(/workspace:|catalog:/)
    expect(JSON.parse(text)).toMatchObject({ type: 'module', license: 'Apache-2.0', engines: { node: '>=20.19' } })
  })

  test('maps lead from the output to the source, for the debugger and for "go to definition"', async () => {
    const folder = await unpack(name)
    const maps = filesBelow(folder).filter((file) => file.endsWith('.map'))
    expect(maps).toEqual(expect.arrayContaining(['dist/index.js.map', 'dist/index.d.ts.map']))
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(join(folder, map), 'utf8')) as { sources: string[] }
      for (const source of sources)
        expect(existsSync(resolve(folder, dirname(map), source)), `${map}: ${source}`).toBe(true)
    }
  })

  test('publint has nothing to say', async () => {
    const tarball = readFileSync(tarballs.get(name) ?? '')
    const { messages } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true })
    expect(messages).toEqual([])
  })

  // The profile "esm-only" of attw: CommonJS and the resolution of Node 10 are not promised.
  test('the types are right for every way to resolve them (attw)', async () => {
    const tarball = new Uint8Array(readFileSync(tarballs.get(name) ?? ''))
    const analysis = await checkPackage(createPackageFromTarballData(tarball))
    if (!analysis.types) expect.unreachable('the package has no types')
    const notPromised = ['node10', 'node16-cjs']
    const problems = analysis.problems.filter(
      (problem) => !('resolutionKind' in problem && notPromised.includes(problem.resolutionKind)),
    )
    expect(problems).toEqual([])
  })
})

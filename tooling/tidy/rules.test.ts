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
  errorRows,
  errorsPage,
} from './pages.ts'
import { parseModule } from './parse.ts'
import { checkDeadFiles, checkPackages, checkRootReferences } from './reach.ts'
import type { Manifest, Repository, Unit } from './repository.ts'

const README = `# @dsys/raft

One sentence.

## Example

\`\`\`ts
1
\`\`\`

## Guarantees

## Not guaranteed

## Ports

## Errors

| code | when | outcome |
|---|---|---|
| \`DSYS_RAFT_LOST\` | It is lost. | unknown |

## Sources

## For implementors
`

interface Sample {
  readonly folder?: string
  /** By path below src or test, for instance `src/index.ts`. */
  readonly files?: Readonly<Record<string, string>>
  readonly manifest?: Partial<Manifest>
  readonly references?: readonly string[]
  readonly readme?: string | undefined
}

/** A package that keeps all rules, but for what the sample changes. */
function unit(sample: Sample = {}): Unit {
  const folder = sample.folder ?? 'packages/raft'
  const files = { 'src/index.ts': "export { a } from './a.ts'", 'src/a.ts': 'export const a = 1', ...sample.files }
  const modules = Object.entries({ 'test/a.test.ts': '// README', 'src/di.ts': 'export const b = 1', ...files }).map(
    ([path, text]) => parseModule(`${folder}/${path}`, text),
  )
  const manifest: Manifest = {
    name: `@dsys/${folder.split('/').at(-1)}`,
    description: 'A sample',
    license: 'Apache-2.0',
    exports: { '.': { '@dsys/source': './src/index.ts' }, './di': { '@dsys/source': './src/di.ts' } },
    ...sample.manifest,
  }
  return {
    folder,
    manifest,
    references: sample.references ?? [],
    sources: modules.filter(({ path }) => path.startsWith(`${folder}/src/`)),
    tests: modules.filter(({ path }) => path.startsWith(`${folder}/test/`)),
    readme: 'readme' in sample ? sample.readme : README.replace('raft', manifest.name.slice('@dsys/'.length)),
  }
}

function repository(sample: Sample = {}, texts: Readonly<Record<string, string>> = {}): Repository {
  return {
    units: [unit(sample)],
    tooling: [],
    rootManifest: { name: 'dsys', devDependencies: { vitest: '1' } },
    texts: new Map(Object.entries(texts)),
  }
}

/** A package with one more file, which its index imports. */
const withSource = (text: string, path = 'src/b.ts'): Repository => repository({ files: { [path]: text } })

test('a package that keeps the rules passes all of them', () => {
  const checks = [
    checkLayers,
    checkDiApart,
    checkThirdParties,
    checkDependencies,
    checkConformance,
    checkSizes,
    checkAmbientWorld,
    checkPureCores,
    checkExactArithmetic,
    checkForms,
    checkComments,
    checkFiles,
    checkDeadFiles,
    checkPackages,
    checkReadmes,
    checkErrorCodes,
    checkLinks,
    checkPublishedPages,
    checkMachineWords,
  ]
  expect(checks.flatMap((check) => check(repository()))).toEqual([])
})

describe('layers', () => {
  test('an import upwards, and one of an adapter by a protocol', () => {
    expect(checkLayers(withSource("import { kv } from '@dsys/kv'"))).toEqual([
      'packages/raft/src/b.ts:1: raft may not import @dsys/kv',
    ])
    expect(checkLayers(withSource("\nexport type { M } from '@dsys/transport-memory/x'"))).toEqual([
      'packages/raft/src/b.ts:2: raft may not import @dsys/transport-memory/x',
    ])
    expect(checkLayers(withSource("const m = await import('@dsys/storage-file')"))).toHaveLength(1)
  })

  test('tests may import adapters', () => {
    expect(
      checkLayers(repository({ files: { 'test/b.test.ts': "import { m } from '@dsys/transport-memory'" } })),
    ).toEqual([])
  })

  test('a package without a line in the table', () => {
    expect(checkLayers(repository({ folder: 'packages/new' }))).toHaveLength(1)
  })

  test.each(['@dsys/di', '@dsys/runtime/di', './di.ts'])('%s outside of src/di.ts', (from) => {
    const text = `import { x } from '${from}'`
    expect(checkDiApart(withSource(text))).toEqual([`packages/raft/src/b.ts:1: only src/di.ts imports ${from}`])
    expect(checkDiApart(withSource(text, 'src/di.ts'))).toEqual([])
  })

  test('third parties where they do not belong', () => {
    expect(checkThirdParties(withSource("import { c } from 'tsyringe'"))).toHaveLength(1)
    expect(checkThirdParties(withSource("import type { c } from 'tsyringe'"))).toEqual([])
    expect(checkThirdParties(withSource("import { connect } from '@nats-io/transport-node'"))).toHaveLength(1)
    expect(checkThirdParties(withSource("import { ClassicLevel } from 'classic-level'"))).toHaveLength(1)
    expect(checkThirdParties(withSource("import _ from 'lodash'"))).toHaveLength(1)
    expect(checkThirdParties(repository({ manifest: { dependencies: { lodash: '1' } } }))).toHaveLength(1)
    const app = { folder: 'apps/demo', files: { 'src/b.ts': "import { c } from 'tsyringe'" } }
    expect(checkThirdParties(repository(app))).toEqual([])
    expect(
      checkThirdParties(repository({ ...app, files: { 'src/b.ts': "import '@nats-io/transport-node'" } })),
    ).toHaveLength(1)
  })

  test('imports, dependencies and references that disagree', () => {
    const files = { 'src/b.ts': "import { r } from '@dsys/runtime/x'" }
    const declared = { dependencies: { '@dsys/runtime': 'workspace:^' } }
    expect(checkDependencies(repository({ files, manifest: declared, references: ['runtime'] }))).toEqual([])
    expect(checkDependencies(repository({ files }))).toEqual([
      'packages/raft/src/b.ts:1: @dsys/runtime is not declared in package.json',
    ])
    expect(checkDependencies(repository({ manifest: declared, references: ['runtime'] }))).toHaveLength(1)
    expect(checkDependencies(repository({ files, manifest: declared }))).toHaveLength(1)
    expect(checkDependencies(repository({ references: ['runtime'] }))).toHaveLength(1)
    expect(checkDependencies(repository({ files: { 'test/b.test.ts': "import 'lodash'" } }))).toHaveLength(1)
    expect(checkDependencies(repository({ files: { 'test/b.test.ts': "import 'vitest'" } }))).toEqual([])
  })

  test('an adapter without its conformance test', () => {
    const folder = 'packages/transport-tcp'
    expect(checkConformance(repository({ folder }))).toEqual([`${folder}: no test uses @dsys/transport/conformance`])
    const files = { 'test/b.test.ts': "import { suite } from '@dsys/transport/conformance'" }
    expect(checkConformance(repository({ folder, files }))).toEqual([])
  })
})

describe('sizes', () => {
  const lines = (count: number): string => '\n'.repeat(count)

  test('a long file, and a long function', () => {
    expect(checkSizes(withSource(lines(501)))).toHaveLength(1)
    expect(checkSizes(withSource(lines(500)))).toEqual([])
    expect(checkSizes(withSource(`function f() {${lines(70)}}`))).toEqual([
      'packages/raft/src/b.ts:1: a function of 71 lines, more than 70',
    ])
    expect(checkSizes(withSource(`class A { m() {${lines(69)}} }`))).toEqual([])
    expect(checkSizes(withSource(`const f = () => {${lines(70)}}`))).toHaveLength(1)
  })

  test('a comment above may say why, and the callback of a describe is a list', () => {
    expect(checkSizes(withSource(`// Deviation: a table.\nfunction f() {${lines(70)}}`))).toEqual([])
    expect(checkSizes(withSource(`// Some comment.\nfunction f() {${lines(70)}}`))).toHaveLength(1)
    expect(checkSizes(withSource(`describe.each([1])('x', () => {${lines(80)}})`))).toEqual([])
    expect(checkSizes(withSource(`nats.describe(describe, 'x', () => {${lines(80)}})`))).toEqual([])
    expect(checkSizes(withSource(`test('x', () => {${lines(80)}})`))).toHaveLength(1)
  })
})

describe('the ambient world', () => {
  test.each([
    'Date.now()',
    'new Date()',
    'new Date(5)',
    'Date()',
    'performance.now()',
    'globalThis.performance.now()',
    'Math.random()',
    'const f = Math.random',
    'setTimeout(f, 1)',
    'globalThis.setTimeout(f, 1)',
    'setInterval(f, 1)',
    'setImmediate(f)',
    'process.env',
    'console.log(1)',
    'crypto.randomUUID()',
    'fetch(url)',
    'const wait = { timer: setTimeout }',
    'function f({ clock = performance }: Part) { clock.now() }',
    'each(({ process: life }) => process.exit(life))',
    "import { readFile } from 'node:fs/promises'",
    "import { randomBytes } from 'node:crypto'",
    "const fs = await import('node:fs')",
  ])('%s', (text) => {
    expect(checkAmbientWorld(withSource(text))).toHaveLength(1)
  })

  test.each([
    'Date.UTC(2020, 0, 1)',
    'Math.max(1, 2)',
    'clock.performance',
    'const entry = { process: 1 }',
    'const crypto = own()\ncrypto.seal()',
    'function f(process: Part) { process.step() }',
    'each(({ process, fetch: [crypto] = none, ...performance }) => [process.id, crypto.id, performance.id])',
    'interface A { setTimeout(): void }',
    'class A { process() {} }',
    '// Date.now() in a comment',
    "const text = 'Math.random()'",
    "import type { Server } from 'node:http'",
  ])('not %s', (text) => {
    expect(checkAmbientWorld(withSource(text))).toEqual([])
  })

  test('the files that implement a port, and applications, may', () => {
    const files = { 'src/system-clock.ts': 'export const now = () => Date.now() + performance.now()' }
    expect(checkAmbientWorld(repository({ folder: 'packages/runtime', files }))).toEqual([])
    expect(checkAmbientWorld(repository({ files }))).toHaveLength(2)
    expect(checkAmbientWorld(repository({ folder: 'apps/demo', files }))).toEqual([])
  })

  test.each(['async function f() {}', 'const f = async () => 1', 'new Promise(f)', 'Promise.resolve()'])(
    'a core with %s',
    (text) => {
      expect(checkPureCores(withSource(text, 'src/core/b.ts'))).toHaveLength(1)
      expect(checkPureCores(withSource(text))).toEqual([])
    },
  )
})

describe('arithmetic of cores', () => {
  test.each(['Math.log10(2)', 'const f = Math.exp', 'Math.pow(a, b)'])('a core with %s', (text) => {
    expect(checkExactArithmetic(withSource(text, 'src/core/b.ts'))).toHaveLength(1)
    expect(checkExactArithmetic(withSource(`// Deviation: it is only shown.\n${text}`, 'src/core/b.ts'))).toEqual([])
    expect(checkExactArithmetic(withSource(text))).toEqual([])
  })

  test('what is exact is free', () => {
    const text = 'Math.sqrt(2) + Math.LN10 + Math.max(1, Math.imul(3, 4), Math.clz32(5))'
    expect(checkExactArithmetic(withSource(text, 'src/core/b.ts'))).toEqual([])
  })
})

describe('forms', () => {
  test.each([
    "export * from './a.ts'",
    "export * as a from './a.ts'",
    'export default 1',
    'enum A { B }',
    'class A { constructor(readonly b: number) {} }',
    '@sealed class A {}',
  ])('%s', (text) => {
    expect(checkForms(withSource(text))).toHaveLength(1)
  })

  test.each(['// TODO: later', '/* FIXME */', '/** XXX */'])('%s', (text) => {
    expect(checkComments(withSource(text))).toHaveLength(1)
    expect(checkComments(withSource(`const text = '${text.replace('\n', '')}'`))).toEqual([])
  })

  test.each(['src/utils.ts', 'src/string-helpers.ts', 'src/common/a.ts', 'src/raft-manager.ts', 'test/misc.test.ts'])(
    '%s',
    (path) => {
      expect(checkFiles(repository({ files: { [path]: 'export const b = 1' } }))).toHaveLength(1)
    },
  )

  test('a barrel', () => {
    expect(checkFiles(withSource("export { a } from '../a.ts'", 'src/core/index.ts'))).toHaveLength(1)
  })
})

describe('packages', () => {
  test('a file that nothing imports', () => {
    expect(checkDeadFiles(withSource('export const b = 1'))).toEqual(['packages/raft/src/b.ts: nothing imports it'])
    const files = { 'src/a.ts': "new Worker(new URL('./b.js', import.meta.url))", 'src/b.ts': '' }
    expect(checkDeadFiles(repository({ files }))).toEqual([])
  })

  test.each<[string, Sample]>([
    ['a description', { manifest: { description: '' } }],
    ['a licence', { manifest: { license: 'MIT' } }],
    ['the name of its folder', { manifest: { name: '@dsys/other' } }],
    ['./di', { manifest: { exports: { '.': { '@dsys/source': './src/index.ts' } } } }],
    ['entries that exist', { manifest: { exports: { './di': { '@dsys/source': './src/wiring.ts' } } } }],
  ])('one without %s', (_what, sample) => {
    expect(checkPackages(repository(sample))).toHaveLength(1)
  })

  test('one without tests', () => {
    const [bare] = [unit()].map((one) => ({ ...one, tests: [] }))
    expect(checkPackages({ ...repository(), units: bare === undefined ? [] : [bare] })).toEqual([
      'packages/raft: has no test',
    ])
  })

  test('one that the root does not build', () => {
    expect(checkRootReferences([unit()], '{ "references": [] }')).toHaveLength(1)
    expect(checkRootReferences([unit()], '{ "references": [{ "path": "packages/raft" }] }')).toEqual([])
  })
})

describe('pages', () => {
  test.each<[string, string | undefined]>([
    ['none', undefined],
    ['without a section', README.replace('## Ports\n', '')],
    ['in another order', README.replace('## Ports\n', '').replace('## Sources\n', '## Sources\n\n## Ports\n')],
    ['of another package', README.replace('@dsys/raft', '@dsys/kv')],
    ['without an example', README.replace('```ts', '```')],
  ])('a README: %s', (_what, readme) => {
    expect(checkReadmes(repository({ readme }))).toHaveLength(1)
  })

  test('an example that no test runs', () => {
    expect(checkReadmes(repository({ files: { 'test/a.test.ts': '' } }))).toHaveLength(1)
    const files = { 'test/a.test.ts': "import { testExample } from '../../../tooling/fixtures/readme-example.ts'" }
    expect(checkReadmes(repository({ files }))).toEqual([])
  })

  test('a code that nobody explains', () => {
    const found = checkErrorCodes(withSource("super(m, { code: 'DSYS_RAFT_SHY' })"))
    expect(found).toEqual(['packages/raft/src/b.ts:1: DSYS_RAFT_SHY is not explained in packages/raft/README.md'])
    expect(checkErrorCodes(withSource("const code: 'DSYS_RAFT_LOST' | 'DSYS_RAFT_SHY' = c"))).toHaveLength(1)
    expect(checkErrorCodes(withSource("if (error.code === 'DSYS_RAFT_SHY') retry()"))).toEqual([])
  })

  test('the page of errors has the rows of the packages that define the codes', () => {
    expect(errorRows(README)).toEqual([{ code: 'DSYS_RAFT_LOST', when: 'It is lost.', outcome: 'unknown' }])
    const page = errorsPage(withSource("const code = 'DSYS_RAFT_LOST'"))
    expect(page).toContain(
      '| `DSYS_RAFT_LOST` | It is lost. | unknown | [@dsys/raft](../packages/raft/README.md#errors) |',
    )
    expect(errorsPage(repository())).not.toContain('DSYS_RAFT_LOST')
  })

  test('a link that leads nowhere', () => {
    const texts = {
      'docs/a.md': '[b](b.md) [c](../c.md#part) [web](https://example.com/x.md) [adr](adr/)',
      'docs/b.md': '',
    }
    expect(checkLinks(repository({}, texts))).toEqual([
      'docs/a.md: the link to ../c.md leads nowhere',
      'docs/a.md: the link to adr/ leads nowhere',
    ])
  })

  test('a page that a published page leads to, or names, and that is not published', () => {
    const texts = {
      'packages/raft/README.md':
        '[how](ALGORITHM.md#votes) [web](https://example.com/x.md) `docs/PLAN.md` `raft.md` [a](src/a.ts)',
      'packages/raft/ALGORITHM.md': 'see `docs/PLAN.md` and [the root](../../README.md)',
      'packages/raft/docs/PLAN.md': '',
    }
    const found = (files: string[]): string[] =>
      checkPublishedPages(repository({ manifest: { files } }, texts)).map(
        (problem) => problem.split(' is not ')[0] ?? '',
      )
    expect(found(['src', 'dist'])).toEqual([
      'packages/raft/README.md: ALGORITHM.md',
      'packages/raft/README.md: docs/PLAN.md',
    ])
    expect(found(['src', 'ALGORITHM.md', 'docs'])).toEqual(['packages/raft/ALGORITHM.md: ../../README.md'])
    expect(checkPublishedPages(repository({ folder: 'apps/demo' }, { 'apps/demo/README.md': '[a](b.md)' }))).toEqual([])
  })

  test.each(['root', 'work', 'home/ada', 'Users/ada'])('a place below /%s', (place) => {
    expect(checkMachineWords(repository({}, { 'docs/a.md': `see ${['', place, 'notes'].join('/')}` }))).toHaveLength(1)
    expect(checkMachineWords(repository({}, { 'docs/a.md': `see https://example.com/${place}/notes` }))).toEqual([])
  })
})

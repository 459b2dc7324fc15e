import { posix } from 'node:path'
import { type Module, stringOf, visit } from './parse.ts'
import { isPackage, type Repository, type Unit } from './repository.ts'

const SECTIONS = ['Example', 'Guarantees', 'Not guaranteed', 'Ports', 'Errors', 'Sources', 'For implementors']
/** Where the tests of examples come from. */
const EXAMPLES = 'tooling/readme/example.ts'
const CODE = /^DSYS_[A-Z0-9]+(_[A-Z0-9]+)*$/

/** Every package has a README with the same parts in the same order. */
export function checkReadmes({ units }: Repository): string[] {
  return units.flatMap((unit) => {
    const path = `${unit.folder}/README.md`
    if (unit.readme === undefined) return [`${path} is missing`]
    if (!isPackage(unit)) return []
    const problems: string[] = []
    const headings = [...unit.readme.matchAll(/^## (.+)$/gm)].map((match) => match[1])
    const found = headings.filter((heading) => SECTIONS.includes(heading ?? ''))
    if (found.join() !== SECTIONS.join())
      problems.push(`${path}: its sections must be ${SECTIONS.join(', ')}; found ${found.join(', ')}`)
    if (!unit.readme.startsWith(`# ${unit.manifest.name}\n`))
      problems.push(`${path}: must begin with "# ${unit.manifest.name}"`)
    if (!/^## Example\n[^#]*```ts\n/m.test(unit.readme)) problems.push(`${path}: the example has no code in TypeScript`)
    if (!unit.tests.some(testsReadme))
      problems.push(`${path}: no test runs the example (none imports ${EXAMPLES} or mentions README)`)
    return problems
  })
}

const testsReadme = ({ text, imports }: Module): boolean =>
  text.includes('README') || imports.some(({ from }) => from.endsWith(`/${EXAMPLES}`))

/** One row of a table of errors. */
export interface ErrorRow {
  readonly code: string
  readonly when: string
  readonly outcome: string
}

/** The rows of the table below `## Errors`. */
export function errorRows(readme: string): ErrorRow[] {
  const section = /^## Errors\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(readme)?.[1] ?? ''
  return [...section.matchAll(/^\| *`(DSYS_[A-Z0-9_]+)` *\|(.*)\|([^|]*)\| *$/gm)].map((match) => ({
    code: match[1] ?? '',
    when: (match[2] ?? '').trim(),
    outcome: (match[3] ?? '').trim(),
  }))
}

/** The codes that the sources of a unit give to errors. */
export function errorCodes(unit: Unit): Map<string, string> {
  const codes = new Map<string, string>()
  // A conformance suite only expects codes.
  for (const module of unit.sources.filter(({ path }) => !path.includes('/src/conformance'))) {
    visit(module.program, (node, parent) => {
      const text = stringOf(node)
      if (text === undefined || !CODE.test(text)) return
      // A union of literals or a value is a definition; a comparison only reads one that comes from elsewhere.
      const isRead = parent?.type === 'BinaryExpression' || parent?.type === 'SwitchCase'
      if (!isRead && !codes.has(text)) codes.set(text, `${module.path}:${module.lineOf(node.start)}`)
    })
  }
  return codes
}

/** Each code is explained in the README of the package that throws it. */
export function checkErrorCodes({ units }: Repository): string[] {
  return units.flatMap((unit) => {
    const documented = new Set(errorRows(unit.readme ?? '').map(({ code }) => code))
    return [...errorCodes(unit)]
      .filter(([code]) => (isPackage(unit) ? !documented.has(code) : !unit.readme?.includes(`\`${code}\``)))
      .map(([code, where]) => `${where}: ${code} is not explained in ${unit.folder}/README.md`)
  })
}

/** The page with all codes, made of the READMEs of the packages that define them. */
export function errorsPage({ units }: Repository): string {
  const rows = units.filter(isPackage).flatMap((unit) => {
    const own = errorCodes(unit)
    return errorRows(unit.readme ?? '')
      .filter(({ code }) => own.has(code))
      .map((row) => ({ ...row, from: `[${unit.manifest.name}](../${unit.folder}/README.md#errors)` }))
  })
  rows.sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : a.from < b.from ? -1 : 1))
  return [
    '# Errors',
    '',
    'Every error that dsys throws for a condition outside of your control has a `code`, which is a contract, and says whether the same',
    'call may succeed when it is made again (`retryable`), what became of the operation (`outcome`: applied, not-applied or unknown), and',
    'what you can do (`hint`). Misuse is a `TypeError` or a `RangeError`.',
    '',
    'This page is made of the READMEs of the packages; `DSYS_REWRITE=1 npm run test:unit -- tooling/tidy` writes it anew.',
    '',
    '| code | when | outcome | package |',
    '|---|---|---|---|',
    ...rows.map(({ code, when, outcome, from }) => `| \`${code}\` | ${when} | ${outcome} | ${from} |`),
    '',
  ].join('\n')
}

/** Links between the pages of the repository that lead nowhere. */
export function checkLinks({ texts }: Repository): string[] {
  const known = new Set<string>()
  for (const path of texts.keys()) {
    for (let folder = path; folder !== '.'; folder = posix.dirname(folder)) known.add(folder)
  }
  return [...texts]
    .filter(([path]) => path.endsWith('.md'))
    .flatMap(([path, text]) =>
      [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => /\.md$|\/$/.test(target) && !/^[a-z]+:/.test(target))
        .filter((target) => !known.has(posix.join(posix.dirname(path), target).replace(/\/$/, '')))
        .map((target) => `${path}: the link to ${target} leads nowhere`),
    )
}

/** Places that exist on one person's machine only. */
const MACHINE = /(?<![\w.])\/(?:root|work|home\/\w+|Users\/\w+)\/[\w.-]+/

/** Words of a particular machine, which mean nothing to others. */
export function checkMachineWords(repository: Repository): string[] {
  const modules = [...repository.units.flatMap((unit) => [...unit.sources, ...unit.tests]), ...repository.tooling]
  const all = [...repository.texts, ...modules.map(({ path, text }) => [path, text] as const)]
  return all.flatMap(([path, text]) =>
    text.split('\n').flatMap((line, index) => {
      const word = MACHINE.exec(line)?.[0]
      return word === undefined ? [] : [`${path}:${index + 1}: ${word} is a place on one machine`]
    }),
  )
}

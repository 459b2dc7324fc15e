import { posix } from 'node:path'
import { entriesOf } from './code.ts'
import { type Module, stringOf, visit } from './parse.ts'
import { isPackage, type Repository, shortName, type Unit } from './repository.ts'

/** Programs that a person or a script starts, by their path or as a command of a package. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'apps/reference-node': ['src/main.ts', 'src/cluster.ts', 'src/tour.ts'],
  'apps/simulator': ['src/main.ts'],
  'packages/linearizability': ['src/command-line.ts'],
  'packages/storage-file': ['src/node/wal-command-line.ts'],
}

/** Sources that nothing reaches from an entry of their package. */
export function checkDeadFiles({ units }: Repository): string[] {
  return units.flatMap((unit) => {
    const byPath = new Map(unit.sources.map((module) => [module.path, module]))
    const reached = new Set<string>()
    const queue = [...entriesOf(unit.manifest), ...(PROGRAMS[unit.folder] ?? [])].map(
      (entry) => `${unit.folder}/${entry}`,
    )
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const module = byPath.get(path)
      if (module === undefined || reached.has(path)) continue
      reached.add(path)
      queue.push(...namedFiles(module))
    }
    return unit.sources.filter(({ path }) => !reached.has(path)).map(({ path }) => `${path}: nothing imports it`)
  })
}

/** The files that a module imports, or starts as a worker or a process by a literal path. */
function namedFiles(module: Module): string[] {
  const paths = module.imports.map(({ from }) => from)
  visit(module.program, (node) => {
    const text = stringOf(node)
    if (text?.startsWith('./') || text?.startsWith('../')) paths.push(text)
  })
  return paths.map((path) => posix.join(posix.dirname(module.path), path).replace(/\.js$/, '.ts'))
}

/** Packages that are no part of a node, so there is nothing to wire. */
const WITHOUT_DI = ['di', 'logical-clock', 'simulation', 'linearizability']

/** What every package has: a description, a licence, entries that exist, `./di`, and tests. */
export function checkPackages({ units }: Repository): string[] {
  return units.flatMap((unit) => {
    const { manifest, folder } = unit
    const has = (path: string): boolean => unit.sources.some((module) => module.path === `${folder}/${path}`)
    const problems: string[] = []
    const need = (condition: boolean, what: string): void => void (condition || problems.push(`${folder}: ${what}`))
    need((manifest.description ?? '').length > 0, 'package.json has no description')
    need(manifest.license === 'Apache-2.0', 'package.json does not say Apache-2.0')
    need(manifest.name === `@dsys/${shortName(unit)}`, `the folder and the name ${manifest.name} differ`)
    need(
      unit.tests.some(({ path }) => path.endsWith('.test.ts')),
      'has no test',
    )
    if (isPackage(unit)) {
      need(has('src/index.ts'), 'has no src/index.ts')
      need(WITHOUT_DI.includes(shortName(unit)) || './di' in (manifest.exports ?? {}), 'does not export ./di')
      for (const entry of entriesOf(manifest)) need(has(entry), `exports ${entry}, which is missing`)
    }
    return problems
  })
}

/** References of tsconfig.json at the root: every unit is built. */
export function checkRootReferences(units: readonly Unit[], tsconfig: string): string[] {
  const { references } = JSON.parse(tsconfig) as { references: { path: string }[] }
  const built = new Set(references.map(({ path }) => path))
  return units
    .filter(({ folder }) => !built.has(folder))
    .map(({ folder }) => `tsconfig.json: does not refer to ${folder}`)
}

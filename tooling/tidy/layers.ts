import type { Module } from './parse.ts'
import { isPackage, type Repository, shortName, type Unit } from './repository.ts'

/**
 * What the sources of each package may import. This is the table of the layers in docs/ARCHITECTURE.md, arrow by arrow: a new
 * package gets its line here first.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  di: [],
  runtime: ['di'],
  transport: ['di', 'runtime'],
  storage: ['di', 'runtime'],
  'transport-memory': ['di', 'runtime', 'transport'],
  'transport-nats': ['di', 'runtime', 'transport'],
  'transport-tcp': ['di', 'runtime', 'transport'],
  'storage-memory': ['di', 'runtime', 'storage'],
  'storage-file': ['di', 'runtime', 'storage'],
  'storage-level': ['di', 'runtime', 'storage'],
  'failure-detector': ['di', 'runtime'],
  hashring: ['di', 'runtime'],
  'logical-clock': ['di', 'runtime'],
  membership: ['di', 'runtime', 'transport', 'failure-detector'],
  raft: ['di', 'runtime', 'transport', 'storage', 'failure-detector'],
  kv: ['di', 'runtime', 'transport', 'storage', 'raft'],
  node: ['di', 'runtime', 'transport', 'storage', 'hashring', 'membership', 'raft', 'kv'],
  linearizability: [],
  simulation: ['runtime', 'transport', 'storage', 'storage-memory', 'storage-file', 'membership', 'raft', 'kv'],
}

/** Packages from outside that a package needs at run time. Everything else is built from nothing. */
const THIRD_PARTY: Readonly<Record<string, readonly string[]>> = {
  'transport-nats': ['@nats-io/transport-node'],
  'storage-level': ['classic-level'],
}

const NODE_BUILTIN = /^node:/
const RELATIVE = /^\.\.?\//

/** `@dsys/raft` for `@dsys/raft/di`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const isOutside = (specifier: string): boolean => !RELATIVE.test(specifier) && !NODE_BUILTIN.test(specifier)

/** Imports against the direction of the layers. */
export function checkLayers({ units }: Repository): string[] {
  return units.filter(isPackage).flatMap((unit) => {
    const allowed = LAYERS[shortName(unit)]
    if (allowed === undefined) return [`${unit.folder}: has no line in LAYERS of tooling/tidy/layers.ts`]
    return unit.sources.flatMap((module) =>
      module.imports
        .filter(({ from }) => from.startsWith('@dsys/') && !allowed.includes(packageOf(from).slice('@dsys/'.length)))
        .map(({ from, line }) => `${module.path}:${line}: ${shortName(unit)} may not import ${from}`),
    )
  })
}

/** The main entry of a package knows no container: tokens and modules are in src/di.ts alone. */
export function checkDiApart({ units }: Repository): string[] {
  const wiring = (from: string): boolean =>
    from === '@dsys/di' || /^@dsys\/[^/]+\/di$/.test(from) || /(^|\/)di\.ts$/.test(from)
  return units
    .filter((unit) => isPackage(unit) && shortName(unit) !== 'di')
    .flatMap((unit) => unit.sources.filter((module) => module.path !== `${unit.folder}/src/di.ts`))
    .flatMap((module) =>
      module.imports
        .filter(({ from }) => wiring(from))
        .map(({ from, line }) => `${module.path}:${line}: only src/di.ts imports ${from}`),
    )
}

/** tsyringe belongs to applications, the NATS client to transport-nats, LevelDB to storage-level, and nothing else comes from outside. */
export function checkThirdParties({ units }: Repository): string[] {
  const problems: string[] = []
  for (const unit of units) {
    for (const module of unit.sources) {
      for (const { from, typeOnly, line } of module.imports) {
        const why = thirdPartyProblem(unit, from, typeOnly)
        if (why !== undefined) problems.push(`${module.path}:${line}: ${why}`)
      }
    }
    for (const name of Object.keys(isPackage(unit) ? (unit.manifest.dependencies ?? {}) : {})) {
      if (!name.startsWith('@dsys/') && !THIRD_PARTY[shortName(unit)]?.includes(name)) {
        problems.push(
          `${unit.folder}/package.json: a package has no run-time dependency from outside, and ${name} is one`,
        )
      }
    }
  }
  return problems
}

/** The package that knows a library from outside, so that nobody else has to. */
const ownerOf = (name: string): string | undefined =>
  Object.keys(THIRD_PARTY).find((owner) => THIRD_PARTY[owner]?.includes(name))

function thirdPartyProblem(unit: Unit, from: string, typeOnly: boolean): string | undefined {
  if (!isOutside(from) || from.startsWith('@dsys/')) return undefined
  const name = packageOf(from)
  const owner = name.startsWith('@nats-io/') || name === 'nats' ? 'transport-nats' : ownerOf(name)
  if (owner !== undefined) return shortName(unit) === owner ? undefined : `only ${owner} imports ${name}`
  if (!isPackage(unit) || (name === 'tsyringe' && typeOnly)) return undefined
  return name === 'tsyringe' ? 'only applications import tsyringe at run time' : `a package does not import ${name}`
}

/** What is imported is declared, what is declared is imported, and tsconfig.json refers to just that. */
export function checkDependencies({ units, rootManifest }: Repository): string[] {
  const forAll = Object.keys(rootManifest.devDependencies ?? {})
  return units.flatMap((unit) => {
    const { dependencies = {}, devDependencies = {} } = unit.manifest
    const forSources = Object.keys(dependencies)
    const forTests = [...forSources, ...Object.keys(devDependencies), ...forAll, unit.manifest.name]
    const imported = new Set(unit.sources.flatMap((module) => module.imports.map(({ from }) => packageOf(from))))
    const unused = forSources.filter((name) => !imported.has(name))
    const referred = unit.references.map((name) => `@dsys/${name}`).sort()
    const expected = forSources.filter((name) => name.startsWith('@dsys/')).sort()
    return [
      ...undeclared(unit.sources, [...forSources, ...Object.keys(devDependencies)]),
      ...undeclared(unit.tests, forTests),
      ...(unit.sources.length === 0
        ? []
        : unused.map((name) => `${unit.folder}/package.json: no source imports ${name}`)),
      ...(referred.join() === expected.join()
        ? []
        : [
            `${unit.folder}/tsconfig.json: refers to [${referred.join(', ')}], but the dependencies are [${expected.join(', ')}]`,
          ]),
    ]
  })
}

function undeclared(modules: readonly Module[], declared: readonly string[]): string[] {
  return modules.flatMap((module) =>
    module.imports
      .filter(({ from }) => isOutside(from) && !declared.includes(packageOf(from)))
      .map(({ from, line }) => `${module.path}:${line}: ${packageOf(from)} is not declared in package.json`),
  )
}

/** Every adapter is proved by the conformance suite of its port. */
export function checkConformance({ units }: Repository): string[] {
  return units.flatMap((unit) => {
    const port = /^packages\/(transport|storage)-/.exec(unit.folder)?.[1]
    if (port === undefined) return []
    const suite = `@dsys/${port}/conformance`
    const used = unit.tests.some(
      (module) => module.path.endsWith('.test.ts') && module.imports.some(({ from }) => from === suite),
    )
    return used ? [] : [`${unit.folder}: no test uses ${suite}`]
  })
}

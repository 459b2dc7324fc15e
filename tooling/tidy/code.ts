import { isNode, type Module, type SyntaxNode, visit } from './parse.ts'
import { isPackage, type Repository } from './repository.ts'

export const MAX_FILE_LINES = 500
export const MAX_FUNCTION_LINES = 70

/** Everything that we write, in every folder. */
function everyModule({ units, tooling }: Repository): Module[] {
  return [...units.flatMap((unit) => [...unit.sources, ...unit.tests]), ...tooling]
}

function packageSources({ units }: Repository): Module[] {
  return units.filter(isPackage).flatMap((unit) => unit.sources)
}

/** A rule of shape may be broken where a comment right above says why, and begins so. */
function deviates(module: Module, line: number): boolean {
  return module.comments.some(
    (comment) => comment.endLine >= line - 1 && comment.endLine <= line && comment.text.includes('Deviation:'),
  )
}

/** Files and functions that are too long to be read in one sitting. */
export function checkSizes(repository: Repository): string[] {
  return everyModule(repository).flatMap((module) => {
    const lines = module.text.split('\n').length - 1
    const problems =
      lines > MAX_FILE_LINES && !deviates(module, 2)
        ? [`${module.path}: ${lines} lines, more than ${MAX_FILE_LINES}`]
        : []
    visit(module.program, (node, parent) => {
      if (!isFunction(node) || isSuite(parent)) return
      const start = module.lineOf(node.start)
      const length = module.lineOf(node.end) - start + 1
      if (length > MAX_FUNCTION_LINES && !deviates(module, start)) {
        problems.push(`${module.path}:${start}: a function of ${length} lines, more than ${MAX_FUNCTION_LINES}`)
      }
    })
    return problems
  })
}

const isFunction = (node: SyntaxNode): boolean =>
  node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'

/** The callback of a describe is a list of tests, no function that somebody has to follow. */
function isSuite(parent: SyntaxNode | undefined): boolean {
  if (parent?.type !== 'CallExpression') return false
  const names: (string | undefined)[] = []
  if (isNode(parent['callee'])) visit(parent['callee'], (node) => void names.push(nameOf(node)))
  return names.includes('describe')
}

/** The ambient world that comes through ports; with the only files or folders that may touch it, since they implement the port. */
const AMBIENT: Readonly<Record<string, readonly string[]>> = {
  performance: ['packages/runtime/src/system-clock.ts'],
  setTimeout: ['packages/runtime/src/system-clock.ts'],
  clearTimeout: ['packages/runtime/src/system-clock.ts'],
  setInterval: [],
  clearInterval: [],
  setImmediate: ['packages/runtime/src/system-clock.ts', 'packages/runtime/src/virtual-clock.ts'],
  clearImmediate: ['packages/runtime/src/system-clock.ts'],
  crypto: [],
  process: [
    'packages/storage-file/src/node/',
    'packages/linearizability/src/command-line.ts',
    // What the process waits for outside of every simulation.
    'packages/simulation/src/cluster/real-world.ts',
  ],
  console: [],
  fetch: [],
  XMLHttpRequest: [],
  WebSocket: [],
}

/** The modules of Node.js that packages may import, by file or folder. */
const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'packages/runtime/src/system-random.ts': ['node:crypto'],
  // A checksum is a function of its bytes, and a suite must be able to fail.
  'packages/runtime/src/bytes.ts': ['node:zlib'],
  'packages/storage-file/src/': ['node:zlib'],
  'packages/storage-file/src/inspect/command.ts': ['node:util'],
  'packages/storage/src/conformance/': ['node:assert/strict'],
  'packages/transport/src/conformance/': ['node:assert/strict'],
  'packages/transport-nats/src/client-sockets.ts': ['node:async_hooks', 'node:diagnostics_channel', 'node:net'],
  'packages/transport-tcp/src/node-network.ts': ['node:net'],
  'packages/transport-tcp/src/tls-network.ts': ['node:tls'],
  // Who has the secret is proved by its HMAC, and by nothing that a port could give.
  'packages/transport-tcp/src/proof.ts': ['node:crypto'],
  // Reads certificates; it draws nothing.
  'packages/transport-tcp/src/tls-check.ts': ['node:crypto'],
  'packages/linearizability/src/command.ts': ['node:util'],
  'packages/linearizability/src/command-line.ts': ['node:fs/promises', 'node:stream/consumers'],
  'packages/storage-file/src/node/': ['node:fs', 'node:fs/promises', 'node:path', 'node:os', 'node:util'],
  'packages/storage-level/src/node/': ['node:fs/promises', 'node:path'],
}

/** Reading the clock, drawing lots, printing, and touching disks or networks, outside of the file that implements the port. */
export function checkAmbientWorld(repository: Repository): string[] {
  return packageSources(repository).flatMap((module) => [...ambientNames(module), ...nodeModules(module)])
}

function ambientNames(module: Module): string[] {
  const own = declaredNames(module.program)
  const problems: string[] = []
  const report = (node: SyntaxNode, name: string): void => {
    problems.push(`${module.path}:${module.lineOf(node.start)}: ${name} is the ambient world; take it through a port`)
  }
  visit(module.program, (node, parent) => {
    const member = memberName(node)
    if (member === 'Math.random' || (member === 'Date.now' && module.path !== 'packages/runtime/src/system-clock.ts'))
      report(node, member)
    if (node.type === 'NewExpression' && nameOf(node['callee']) === 'Date') report(node, 'new Date')
    if (node.type === 'CallExpression' && nameOf(node['callee']) === 'Date') report(node, 'Date()')
    const name = member?.startsWith('globalThis.')
      ? member.slice('globalThis.'.length)
      : isReference(node, parent)
        ? nameOf(node)
        : undefined
    if (name === undefined || !Object.hasOwn(AMBIENT, name) || own.has(name)) return
    if (!AMBIENT[name]?.some((place) => module.path.startsWith(place))) report(node, name)
  })
  return problems
}

function nodeModules(module: Module): string[] {
  const allowed = Object.entries(NODE_MODULES).flatMap(([place, names]) => (module.path.startsWith(place) ? names : []))
  return module.imports
    .filter(({ from, typeOnly }) => from.startsWith('node:') && !typeOnly && !allowed.includes(from))
    .map(({ from, line }) => `${module.path}:${line}: ${from} is the ambient world; take it through a port`)
}

const nameOf = (node: unknown): string | undefined =>
  isNode(node) && node.type === 'Identifier' ? (node['name'] as string) : undefined

function memberName(node: SyntaxNode): string | undefined {
  if (node.type !== 'MemberExpression' || node['computed'] === true) return undefined
  const [object, property] = [nameOf(node['object']), nameOf(node['property'])]
  return object === undefined || property === undefined ? undefined : `${object}.${property}`
}

/** Whether an identifier stands for a variable, and is not just the name of a property or a type. */
function isReference(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (node.type !== 'Identifier' || parent === undefined) return false
  if (parent.type === 'MemberExpression') return parent['object'] === node || parent['computed'] === true
  if (parent.type === 'Property') return parent['value'] === node || parent['computed'] === true
  return (
    !parent.type.startsWith('TS') &&
    !['MethodDefinition', 'PropertyDefinition', 'AccessorProperty'].includes(parent.type)
  )
}

/** Names that the file gives to things of its own: variables, parameters, imports. */
function declaredNames(program: SyntaxNode): Set<string> {
  const names = new Set<string>()
  const declare = (pattern: unknown): void => {
    for (const name of boundNames(pattern)) names.add(name)
  }
  visit(program, (node) => {
    if (node.type === 'VariableDeclarator') declare(node['id'])
    else if (node.type.startsWith('Import') && node.type.endsWith('Specifier')) declare(node['local'])
    else if (isFunction(node)) for (const parameter of node['params'] as SyntaxNode[]) declare(parameter)
  })
  return names
}

/** The names that a pattern binds; what stands in its default values is used, not bound. */
function boundNames(pattern: unknown): string[] {
  if (!isNode(pattern)) return []
  switch (pattern.type) {
    case 'Identifier':
      return [pattern['name'] as string]
    case 'AssignmentPattern':
      return boundNames(pattern['left'])
    case 'RestElement':
      return boundNames(pattern['argument'])
    case 'ArrayPattern':
      return (pattern['elements'] as unknown[]).flatMap(boundNames)
    case 'ObjectPattern':
      return (pattern['properties'] as SyntaxNode[]).flatMap((property) =>
        boundNames(property.type === 'Property' ? property['value'] : property),
      )
    default:
      return []
  }
}

/** A protocol core is a function of its input: it neither waits nor calls back. */
export function checkPureCores(repository: Repository): string[] {
  return packageSources(repository)
    .filter((module) => /^packages\/[^/]+\/src\/(?:[^/]+\/)*core\//.test(module.path))
    .flatMap((module) => {
      const problems: string[] = []
      visit(module.program, (node, parent) => {
        const waits =
          node['async'] === true ||
          node.type === 'AwaitExpression' ||
          (isReference(node, parent) && nameOf(node) === 'Promise')
        if (waits)
          problems.push(`${module.path}:${module.lineOf(node.start)}: a core does not wait (async, await, Promise)`)
      })
      return problems
    })
}

/** The functions of `Math` whose result the language defines to the bit. Its constants, in capitals, are numbers. */
const EXACT = new Set([
  'abs',
  'ceil',
  'clz32',
  'floor',
  'fround',
  'imul',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
])
const CONSTANT = /^[A-Z]/

/** What differs between engines in the last digit: with it a core decides otherwise elsewhere, and a simulation does not replay. */
export function checkExactArithmetic(repository: Repository): string[] {
  return packageSources(repository)
    .filter((module) => /^packages\/[^/]+\/src\/(?:[^/]+\/)*core\//.test(module.path))
    .flatMap((module) => {
      const problems: string[] = []
      visit(module.program, (node) => {
        const [object, name = ''] = memberName(node)?.split('.') ?? []
        const isInexact = object === 'Math' && name !== 'random' && !EXACT.has(name) && !CONSTANT.test(name)
        const line = module.lineOf(node.start)
        if (isInexact && !deviates(module, line))
          problems.push(`${module.path}:${line}: Math.${name} differs between engines; decide by + - * / and sqrt`)
      })
      return problems
    })
}

/** Forms of the language that the house style leaves out. */
export function checkForms(repository: Repository): string[] {
  return everyModule(repository).flatMap((module) => {
    const inPackage = module.path.startsWith('packages/') && module.path.includes('/src/')
    const problems: string[] = []
    const report = (node: SyntaxNode, what: string): void =>
      void problems.push(`${module.path}:${module.lineOf(node.start)}: ${what}`)
    visit(module.program, (node) => {
      if (node.type === 'ExportAllDeclaration') report(node, 'name what is exported; no `export *`')
      if (node.type === 'TSEnumDeclaration') report(node, 'no enum; use a union of literals')
      if (node.type === 'TSParameterProperty') report(node, 'no parameter property')
      if (node.type === 'Decorator' && inPackage) report(node, 'no decorator in a package')
      if (node.type === 'ExportDefaultDeclaration' && !/^[^/]+\.config\.ts$/.test(module.path))
        report(node, 'named exports only')
    })
    return problems
  })
}

const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/

/** Work that was left for later in a comment. */
export function checkComments(repository: Repository): string[] {
  return everyModule(repository).flatMap((module) =>
    module.comments
      .filter(({ text }) => UNFINISHED.test(text))
      .map(
        ({ text, line }) =>
          `${module.path}:${line}: ${UNFINISHED.exec(text)?.[0]} in a comment; do it or open an issue`,
      ),
  )
}

const EMPTY_NAMES = new Set(['util', 'utils', 'common', 'helper', 'helpers', 'misc', 'manager', 'shared', 'stuff'])

/** Names of files that say nothing, and files that only pass names on. */
export function checkFiles(repository: Repository): string[] {
  const named = everyModule(repository).flatMap(({ path }) => {
    const words = path.split('/').flatMap((part) => part.replace(/\..*$/, '').split('-'))
    const empty = words.find((word) => EMPTY_NAMES.has(word))
    return empty === undefined ? [] : [`${path}: "${empty}" does not say what is in it`]
  })
  const barrels = repository.units.flatMap((unit) => {
    const entries = new Set(entriesOf(unit.manifest).map((entry) => `${unit.folder}/${entry}`))
    return unit.sources
      .filter((module) => !entries.has(module.path) && isBarrel(module))
      .map(({ path }) => `${path}: a barrel inside of src; import from the files themselves`)
  })
  return [...named, ...barrels]
}

function isBarrel(module: Module): boolean {
  const body = module.program['body'] as SyntaxNode[]
  return body.length > 0 && body.every((node) => node.type.startsWith('Export') && isNode(node['source']))
}

/** The sources behind the exports of a package, relative to its folder. */
export function entriesOf(manifest: { readonly exports?: Readonly<Record<string, unknown>> }): string[] {
  return Object.values(manifest.exports ?? {})
    .map((target) =>
      typeof target === 'object' && target !== null ? (target as Record<string, string>)['@dsys/source'] : undefined,
    )
    .filter((entry) => entry !== undefined)
    .map((entry) => entry.replace(/^\.\//, ''))
}

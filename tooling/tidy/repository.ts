import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Module, parseModule } from './parse.ts'

/** What the checks look at of a package.json. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly description?: string
  readonly license?: string
  /** What is published, by path; package.json, README.md and the licence always are. */
  readonly files?: readonly string[]
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** One package or application. Files are TypeScript, by their path relative to the root. */
export interface Unit {
  /** `packages/raft` or `apps/reference-node`. */
  readonly folder: string
  readonly manifest: Manifest
  /** The folders that tsconfig.json refers to, by their last name. */
  readonly references: readonly string[]
  readonly sources: readonly Module[]
  readonly tests: readonly Module[]
  readonly readme: string | undefined
}

/** All that the checks may look at. */
export interface Repository {
  readonly units: readonly Unit[]
  /** TypeScript and JavaScript outside of the units. */
  readonly tooling: readonly Module[]
  readonly rootManifest: Manifest
  /** Every other text of the repository, also of the units, by path. */
  readonly texts: ReadonlyMap<string, string>
}

export const ROOT: string = resolve(fileURLToPath(import.meta.url), '../../..')

const CODE = /\.(ts|mts|js|mjs)$/
const TEXT = /\.(md|txt|json|jsonc|yaml|yml|html|css|sh)$|(^|\/)[^.]+$|(^|\/)\.[a-z]+$/

/** Reads the repository as it stands in the working tree, without what git ignores. */
export function readRepository(root: string = ROOT): Repository {
  const paths = listFiles(root)
  const modules = new Map<string, Module>()
  const texts = new Map<string, string>()
  for (const path of paths) {
    if (CODE.test(path)) modules.set(path, parseModule(path, readFileSync(join(root, path), 'utf8')))
    else if (TEXT.test(path)) texts.set(path, readFileSync(join(root, path), 'utf8'))
  }
  const units = unitFolders(root).map((folder) => readUnit(folder, modules, texts))
  const inUnits = new Set(units.flatMap((unit) => [...unit.sources, ...unit.tests].map((module) => module.path)))
  const tooling = [...modules.values()].filter((module) => !inUnits.has(module.path))
  return { units, tooling, rootManifest: parseJson(texts, 'package.json'), texts }
}

/** Tracked and new files; where there is no git, everything that is not built or installed. */
function listFiles(root: string): string[] {
  let output: string
  try {
    output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    // Deviation from "no swallowed error": a checkout without git is legal, and walking it finds the same files.
    return walk(root, '').sort()
  }
  const paths = output.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))
  return [...new Set(paths)].sort()
}

const SKIPPED = new Set(['.git', 'node_modules', 'dist', '.turbo', '.tools', '.data', 'coverage'])

function walk(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !SKIPPED.has(entry.name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      return entry.isDirectory() ? walk(root, path) : [path]
    })
}

function unitFolders(root: string): string[] {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent))
      .map((name) => `${parent}/${name}`)
      .filter((folder) => existsSync(join(root, folder, 'package.json'))),
  )
}

function readUnit(folder: string, modules: ReadonlyMap<string, Module>, texts: ReadonlyMap<string, string>): Unit {
  const below = (name: string): Module[] =>
    [...modules.values()].filter((module) => module.path.startsWith(`${folder}/${name}/`))
  const tsconfig = parseJson<{ references?: { path: string }[] }>(texts, `${folder}/tsconfig.json`)
  return {
    folder,
    manifest: parseJson(texts, `${folder}/package.json`),
    references: (tsconfig.references ?? []).map(({ path }) => path.split('/').at(-1) ?? path),
    sources: below('src'),
    tests: [...below('test'), ...below('bench')],
    readme: texts.get(`${folder}/README.md`),
  }
}

function parseJson<T>(texts: ReadonlyMap<string, string>, path: string): T {
  const text = texts.get(path)
  if (text === undefined) throw new Error(`there is no ${path}`)
  return JSON.parse(text) as T
}

/** `raft` for `packages/raft`. */
export const shortName = (unit: Unit): string => unit.folder.split('/').at(-1) ?? unit.folder

export const isPackage = (unit: Unit): boolean => unit.folder.startsWith('packages/')

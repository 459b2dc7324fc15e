import type { Random } from '@dsys/runtime'
import { FileMissingError } from '@dsys/storage'
import type { CrashReport, UnsyncedFate } from './crash-fate.ts'
import type { MemoryFile } from './memory-file.ts'

type Names = Map<string, MemoryFile>

/** A folder: what a process sees in it, and what a crash cannot take away. */
class Folder {
  /** Whether the folder's own name would survive a crash. */
  linked = false
  names: Names = new Map()
  durable: Names = new Map()
}

/** A change of names that a crash may take away as a whole. */
interface NameChange {
  /** Its place among all changes that there ever were. */
  readonly number: number
  readonly parts: readonly { readonly folder: Folder; readonly apply: (names: Names) => void }[]
  /** Folders that must be synced before it is durable. */
  readonly unsynced: Set<Folder>
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The folders and names of a disk. A name that was not synced may be lost, also when the file behind it was. */
export class MemoryTree {
  readonly #folders = new Map<string, Folder>()
  /** Changes of names that are not durable, in order. */
  #changes: NameChange[] = []
  #changeCount = 0

  constructor() {
    this.#folders.set('', new Folder())
  }

  /** Names of the files and folders in `directory`; empty when it is missing. */
  list(directory: string): string[] {
    const inside = [...this.#folders.keys()].filter((path) => path !== '' && parentOf(path) === directory).map(nameOf)
    return [...(this.#folders.get(directory)?.names.keys() ?? []), ...inside]
  }

  find(path: string): MemoryFile | undefined {
    return this.#folders.get(parentOf(path))?.names.get(nameOf(path))
  }

  /** Throws FileMissingError. */
  get(path: string): MemoryFile {
    const file = this.find(path)
    if (file === undefined) throw new FileMissingError(path)
    return file
  }

  /** Every file that a process can open, with its path. */
  files(): { readonly path: string; readonly file: MemoryFile }[] {
    return [...this.#folders].flatMap(([directory, { names }]) =>
      [...names].map(([name, file]) => ({ path: directory === '' ? name : `${directory}/${name}`, file })),
    )
  }

  /** Puts `file` under the name `path`. Throws FileMissingError when there is no folder for it. */
  link(path: string, file: MemoryFile): void {
    const name = nameOf(path)
    this.#change([{ folder: this.#folder(path), apply: (names) => void names.set(name, file) }])
  }

  remove(path: string): void {
    if (this.find(path) === undefined) return
    const name = nameOf(path)
    this.#change([{ folder: this.#folder(path), apply: (names) => void names.delete(name) }])
  }

  /** One change, also between two folders: after a crash the file has one of the names. Throws FileMissingError. */
  rename(from: string, to: string): void {
    const file = this.get(from)
    const [source, target] = [this.#folder(from), this.#folder(to)]
    if (from === to) return
    const take = (names: Names): void => void names.delete(nameOf(from))
    const put = (names: Names): void => void names.set(nameOf(to), file)
    this.#change([
      { folder: source, apply: take },
      { folder: target, apply: put },
    ])
  }

  hasFolder(directory: string): boolean {
    return this.#folders.has(directory)
  }

  createFolder(directory: string): void {
    const parts = directory.split('/').filter((part) => part !== '')
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join('/')
      if (!this.#folders.has(path)) this.#folders.set(path, new Folder())
    }
  }

  /** What a sync of a folder that begins now will cover. */
  mark(): number {
    return this.#changeCount
  }

  /** The names in `directory` that were changed up to `mark` are durable. Throws FileMissingError. */
  sync(directory: string, mark: number): void {
    const folder = this.#folders.get(directory)
    if (folder === undefined) throw new FileMissingError(directory)
    for (const change of this.#changes) if (change.number <= mark) change.unsynced.delete(folder)
    this.#settle()
    for (const [path, inside] of this.#folders) if (path !== '' && parentOf(path) === directory) inside.linked = true
  }

  /** Forgets the changes that are durable, unless one before them in the same folder is not. */
  #settle(): void {
    const waiting = new Set<Folder>()
    this.#changes = this.#changes.filter((change) => {
      const stays = change.unsynced.size > 0 || change.parts.some(({ folder }) => waiting.has(folder))
      for (const { folder, apply } of change.parts) {
        if (stays) waiting.add(folder)
        else apply(folder.durable)
      }
      return stays
    })
  }

  /** Power is lost. Each change of a name is there as a whole or not at all; the files behind them are not touched. */
  crash(fate: UnsyncedFate, random: Random, report: CrashReport): void {
    const survives = (): boolean => fate === 'kept' || (fate === 'drawn' && random.float() < 0.5)
    for (const { parts, unsynced } of this.#changes) {
      const kept = unsynced.size === 0 || survives()
      if (unsynced.size > 0) report[kept ? 'namesKept' : 'namesLost']++
      if (kept) for (const { folder, apply } of parts) apply(folder.durable)
    }
    this.#changes = []
    for (const [path, folder] of [...this.#folders]) {
      folder.names = new Map(folder.durable)
      if (path === '' || folder.linked || !this.#folders.has(path)) continue
      if (survives()) folder.linked = true
      else {
        report.foldersLost++
        this.#forget(path)
      }
    }
  }

  #forget(directory: string): void {
    for (const inside of [...this.#folders.keys()]) {
      if (inside === directory || inside.startsWith(`${directory}/`)) this.#folders.delete(inside)
    }
  }

  #change(parts: NameChange['parts']): void {
    for (const { folder, apply } of parts) apply(folder.names)
    const unsynced = new Set(parts.map(({ folder }) => folder))
    this.#changes.push({ number: ++this.#changeCount, parts, unsynced })
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(parentOf(path))
    if (folder === undefined) throw new FileMissingError(path)
    return folder
  }

  /** Everything that a process sees or a crash could bring back, each file once. */
  all(): Set<MemoryFile> {
    const files = new Set<MemoryFile>()
    for (const { names, durable } of this.#folders.values()) {
      for (const file of names.values()) files.add(file)
      for (const file of durable.values()) files.add(file)
    }
    return files
  }
}

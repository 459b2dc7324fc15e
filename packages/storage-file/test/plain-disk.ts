import { type Disk, type DiskFile, FileMissingError } from '@dsys/storage'
import type { MemoryDisk } from '@dsys/storage-memory'

/** What the files of a disk hold, by their paths. The contents are not changed by those who use it. */
export type DiskImage = ReadonlyMap<string, Uint8Array>

/** What a process would find if power were lost now and all that is written were there. */
export const imageOf = (disk: MemoryDisk): DiskImage =>
  new Map(disk.files().map(({ path }) => [path, disk.content(path)]))

/** A disk without faults that begins with `image`, copies what is written to, and is thrown away: for many recoveries of one state. */
export function plainDisk(image: DiskImage): Disk {
  // An open file goes on under its new name, so names point to what holds the content.
  const files = new Map([...image].map(([path, content]) => [path, { content }]))
  const open = async (path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> => {
    const known = files.get(path)
    if (known === undefined && options.create !== true) throw new FileMissingError(path)
    const file = known ?? { content: new Uint8Array(0) }
    files.set(path, file)
    const resize = (sizeBytes: number): void => {
      const copy = new Uint8Array(sizeBytes)
      copy.set(file.content.subarray(0, sizeBytes))
      file.content = copy
    }
    return {
      read: async (position, length) => file.content.slice(position, position + length),
      write: async (position, data) => {
        resize(Math.max(file.content.length, position + data.length))
        file.content.set(data, position)
      },
      sync: async () => undefined,
      truncate: async (sizeBytes) => resize(sizeBytes),
      sizeBytes: async () => file.content.length,
      close: async () => undefined,
    }
  }
  return {
    open,
    list: async (directory) => {
      const prefix = directory === '' ? '' : `${directory}/`
      const below = [...files.keys()].filter((path) => path.startsWith(prefix))
      return [...new Set(below.map((path) => path.slice(prefix.length).split('/')[0] as string))]
    },
    createDirectory: async () => undefined,
    rename: async (from, to) => {
      const file = files.get(from)
      if (file === undefined) throw new FileMissingError(from)
      files.delete(from)
      files.set(to, file)
    },
    remove: async (path) => void files.delete(path),
    syncDirectory: async () => undefined,
    lock: async () => async () => undefined,
  }
}

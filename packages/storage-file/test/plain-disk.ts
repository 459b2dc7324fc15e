import { type Disk, type DiskFile, FileMissingError } from '@dsys/storage'
import type { MemoryDisk } from '@dsys/storage-memory'

/** What the files of a disk hold, by their paths. The contents are not changed by those who use it. */
export type DiskImage = ReadonlyMap<string, Uint8Array>

/** What a process would find if power were lost now and all that is written were there. */
export const imageOf = (disk: MemoryDisk): DiskImage =>
  new Map(disk.files().map(({ path }) => [path, disk.content(path)]))

/** A disk without faults that begins with `image`, copies what is written to, and is thrown away: for many recoveries of one state. */
export function plainDisk(image: DiskImage): Disk {
  const files = new Map<string, Uint8Array>(image)
  const open = async (path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> => {
    if (!files.has(path)) {
      if (options.create !== true) throw new FileMissingError(path)
      files.set(path, new Uint8Array(0))
    }
    const content = (): Uint8Array => files.get(path) ?? new Uint8Array(0)
    const resized = (sizeBytes: number): Uint8Array => {
      const copy = new Uint8Array(sizeBytes)
      copy.set(content().subarray(0, sizeBytes))
      return copy
    }
    return {
      read: async (position, length) => content().slice(position, position + length),
      write: async (position, data) => {
        const copy = resized(Math.max(content().length, position + data.length))
        copy.set(data, position)
        files.set(path, copy)
      },
      sync: async () => undefined,
      truncate: async (sizeBytes) => void files.set(path, resized(sizeBytes)),
      sizeBytes: async () => content().length,
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
      const content = files.get(from)
      if (content === undefined) throw new FileMissingError(from)
      files.delete(from)
      files.set(to, content)
    },
    remove: async (path) => void files.delete(path),
    syncDirectory: async () => undefined,
    lock: async () => async () => undefined,
  }
}

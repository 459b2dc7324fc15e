import type { Disk } from '@dsys/storage'

/** Makes `directory` so that its name, and those of the folders above it, survive a crash. */
export async function createFolder(disk: Disk, directory: string): Promise<void> {
  await disk.createDirectory(directory)
  const parts = directory.split('/').filter((part) => part !== '')
  for (let depth = 0; depth < parts.length; depth++) await disk.syncDirectory(parts.slice(0, depth).join('/'))
}

/** A path in `directory`, which is empty for the root of the disk. */
export function pathIn(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

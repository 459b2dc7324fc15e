import type { Disk, DiskFile, OpenFileOptions } from '../disk.ts'
import type { Case } from './runner.ts'

/**
 * What a disk can be put through. Cases that need more than the adapter declares are skipped by name.
 *
 * - `crash`: the place can lose power.
 * - `crash-points`: it can lose power in the middle of any one operation.
 */
export type DiskFeature = 'crash' | 'crash-points'

/** One disk for one case. Empty at first. */
export interface DiskPlace extends AsyncDisposable {
  /** The disk of this life: after a crash another one. */
  readonly disk: Disk
  /**
   * Loses power, unless it is lost already, and brings it back: what was not durable may be gone, open files are dead, locks are free. For
   * `crash`. An adapter that can only lose its process may do so instead.
   */
  crash?(): Promise<void> | void
  /**
   * Power is lost in the middle of the operation that comes after `operations` further ones, and stays lost until `crash`. Resolves
   * when it is lost. For `crash-points`.
   */
  crashAfter?(operations: number): Promise<void>
}

/** How the suite makes disks. */
export interface DiskFactory {
  readonly create: () => Promise<DiskPlace>
  /** What the adapter can be put through. Cases that need more are skipped. */
  readonly supports?: readonly DiskFeature[]
}

/** One case of the suite for disks. */
export type DiskCase = Case<DiskPlace, DiskFeature>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Opens a file for as long as `body` takes. */
export async function using<T>(
  disk: Disk,
  path: string,
  options: OpenFileOptions,
  body: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(path, options)
  try {
    return await body(file)
  } finally {
    await file.close()
  }
}

export const write = (disk: Disk, path: string, text: string): Promise<void> =>
  using(disk, path, { create: true }, async (file) => {
    await file.write(0, bytes(text))
    await file.sync()
  })

export const read = (disk: Disk, path: string): Promise<string> =>
  using(disk, path, {}, async (file) => Buffer.from(await file.read(0, 1_000_000)).toString())

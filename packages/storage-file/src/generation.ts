import { type Clock, DsysError } from '@dsys/runtime'
import { CorruptionError, type Disk, FileMissingError, StorageFailedError } from '@dsys/storage'
import { createFolder, pathIn } from './folders.ts'
import { asBuffer } from './format/bytes.ts'
import { decodeNumber, encodeNumber, NUMBER_FILE_BYTES } from './format/number-file.ts'
import { reading } from './reading.ts'

const MAGIC = 'DSYSGEN\n'
const NAME = 'generation'

async function readGeneration(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path).catch((error: unknown) => {
    if (error instanceof FileMissingError) return undefined
    throw error
  })
  if (file === undefined) return 0
  try {
    const generation = decodeNumber(MAGIC, asBuffer(await file.read(0, NUMBER_FILE_BYTES + 1)))
    if (generation === undefined) throw new CorruptionError(path, 0, 'it does not hold a generation')
    return generation
  } finally {
    await file.close()
  }
}

/**
 * Begins a new life of a node: returns a number larger than in every life before, and stores it durably first. It follows
 * the wall clock where it can, so a node that has lost its directory most likely still gets a larger one.
 *
 * Call it once at each start, before the log storage takes the folder. Throws CorruptionError when the stored number is
 * damaged, ReadFailedError when it cannot be read, StorageFailedError when the new one cannot be stored, and DirectoryLockedError when another process, or a log storage of this one, has the folder.
 *
 * @returns the stored number plus one, or the wall clock in milliseconds where that is larger.
 */
export async function bumpGeneration(
  ports: { readonly disk: Disk; readonly clock: Clock },
  options: { readonly directory: string },
): Promise<number> {
  const { disk, clock } = ports
  const { directory } = options
  const unlock = await changing('taking the folder', async () => {
    await createFolder(disk, directory)
    return disk.lock(directory)
  })
  try {
    const path = pathIn(directory, NAME)
    const before = await reading(`reading ${path}`, () => readGeneration(disk, path))
    const generation = Math.max(before + 1, Math.floor(clock.wallMs()))
    await changing('storing the generation', async () => {
      await writeGeneration(disk, path, generation)
      await disk.syncDirectory(directory)
    })
    return generation
  } finally {
    await unlock()
  }
}

/** What `change` gives. Whatever the disk throws becomes a StorageFailedError. */
async function changing<T>(what: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    throw error instanceof DsysError ? error : new StorageFailedError(what, error)
  }
}

async function writeGeneration(disk: Disk, path: string, generation: number): Promise<void> {
  const aside = `${path}.tmp`
  await disk.remove(aside)
  const file = await disk.open(aside, { create: true })
  try {
    await file.write(0, encodeNumber(MAGIC, generation))
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(aside, path)
}

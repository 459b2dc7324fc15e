import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRuntime } from '@dsys/runtime'
import type { DiskPlace, LogStoragePlace } from '@dsys/storage/conformance'
import { FileLogStorage } from '@dsys/storage-file'
import { MortalDisk } from './mortal-disk.ts'

/** A folder of its own, on a disk whose processes can die. */
async function mortalDisk(parent: string): Promise<{ mortal: MortalDisk; dispose: () => Promise<void> }> {
  const directory = await mkdtemp(join(parent, 'dsys-storage-file-'))
  const mortal = new MortalDisk(directory)
  const dispose = async (): Promise<void> => {
    await mortal.kill()
    await rm(directory, { recursive: true, force: true })
  }
  return { mortal, dispose }
}

/** The disk of the node in a new folder of `parent`. */
export async function realDiskPlace(parent: string = tmpdir()): Promise<DiskPlace> {
  const { mortal, dispose } = await mortalDisk(parent)
  const place = {
    disk: mortal.mount(),
    crash: async () => {
      await mortal.kill()
      place.disk = mortal.mount()
    },
    crashAfter: (operations: number) => mortal.dieAfter(operations),
    [Symbol.asyncDispose]: dispose,
  }
  return place
}

/** A log in a new folder of `parent`. */
export async function realLogPlace(parent: string = tmpdir()): Promise<LogStoragePlace> {
  const { mortal, dispose } = await mortalDisk(parent)
  return {
    open: () => {
      mortal.mend()
      return new FileLogStorage({ ...systemRuntime(), disk: mortal.mount() }, { directory: '', segmentBytes: 8 * 1024 })
    },
    crash: () => mortal.kill(),
    crashAfter: (operations) => mortal.dieAfter(operations),
    tearNextWrite: (bytes) => mortal.tearNextWrite(bytes),
    storedBytes: () => mortal.stored().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    flipBit: (byte, bit) => mortal.flip(byte, bit),
    failWrites: () => mortal.failWrites(),
    failRead: (reads) => mortal.failRead(reads),
    fill: (bytes) => mortal.fill(bytes),
    [Symbol.asyncDispose]: dispose,
  }
}

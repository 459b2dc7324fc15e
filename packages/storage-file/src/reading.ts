import { DsysError } from '@dsys/runtime'
import { ReadFailedError } from '@dsys/storage'

/** What `read` gives. Whatever the disk throws becomes a ReadFailedError: a read that fails says nothing about the data. */
export async function reading<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw error instanceof DsysError ? error : new ReadFailedError(what, error)
  }
}

/** Options of {@link Disk.open}. */
export interface OpenFileOptions {
  /** Create the file when it is missing. Default false: a missing file throws FileMissingError (`DSYS_STORAGE_FILE_MISSING`). */
  readonly create?: boolean
  /** Every `write` resolves only once its bytes are durable, as if followed by `sync` (O_DSYNC). Default false. */
  readonly durableWrites?: boolean
}

/**
 * An open file of a {@link Disk}. Once `close` was called, every other operation throws FileClosedError
 * (`DSYS_STORAGE_FILE_CLOSED`) and does nothing.
 */
export interface DiskFile {
  /** Bytes from `position`, at most `length`; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>
  /** Writes all of `data` at `position`, growing the file as needed. Not durable until `sync`. */
  write(position: number, data: Uint8Array): Promise<void>
  /** Resolves when everything written before the call would survive a crash, the size of the file included. */
  sync(): Promise<void>
  /** Cuts or, with zeros, extends the file. Not durable until `sync`. */
  truncate(sizeBytes: number): Promise<void>
  sizeBytes(): Promise<number>
  /** Gives the file back when the operations under way have ended. A second call joins the first. */
  close(): Promise<void>
}

/**
 * The few file operations that a durable log needs, so that the same log runs on a real disk and on a simulated one that
 * loses, tears and flips. Paths are relative to the disk's root, parts joined by `/`.
 *
 * A created, renamed or removed name is durable only after `syncDirectory` of its folder.
 */
export interface Disk {
  open(path: string, options?: OpenFileOptions): Promise<DiskFile>
  /** Names in a folder, in no order; empty when it is missing. */
  list(directory: string): Promise<readonly string[]>
  /** Creates the folder and those above it; does nothing when it is there. */
  createDirectory(directory: string): Promise<void>
  /** Replaces `to` when it is there, atomically. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; does nothing when it is missing. */
  remove(path: string): Promise<void>
  syncDirectory(directory: string): Promise<void>
  /**
   * Takes the folder for this process, until the returned function is called or the process ends. Throws
   * DirectoryLockedError (`DSYS_STORAGE_LOCKED`) when another process holds it.
   */
  lock(directory: string): Promise<() => Promise<void>>
}

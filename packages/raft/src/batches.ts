import { MalformedError, readU32, writeU32 } from './bytes.ts'

/** What a command takes in a batch besides its bytes. */
const LENGTH_BYTES = 4

/** How many bytes a batch of these encoded commands takes. */
export function batchBytes(commands: readonly Uint8Array[]): number {
  let bytes = 0
  for (const command of commands) bytes += LENGTH_BYTES + command.length
  return bytes
}

/** Writes the commands of a batch to `at`, each behind its length. Returns where they end. */
export function writeBatch(bytes: Uint8Array, at: number, commands: readonly Uint8Array[]): number {
  let next = at
  for (const command of commands) {
    writeU32(bytes, command.length, next)
    bytes.set(command, next + LENGTH_BYTES)
    next += LENGTH_BYTES + command.length
  }
  return next
}

/** The commands of a batch in a piece of their own. */
export function encodeBatch(commands: readonly Uint8Array[]): Uint8Array {
  const batch = Buffer.allocUnsafe(batchBytes(commands))
  writeBatch(batch, 0, commands)
  return batch
}

/** The commands of the batch that begins at `at`, in their order: views, not copies. Throws {@link MalformedError} where it is cut. */
export function decodeBatch(bytes: Uint8Array, at: number): Uint8Array[] {
  const commands: Uint8Array[] = []
  for (let next = at; next < bytes.length; ) {
    const begin = next + LENGTH_BYTES
    next = endOfCommand(bytes, next)
    commands.push(bytes.subarray(begin, next))
  }
  return commands
}

/** Throws {@link MalformedError} unless {@link decodeBatch} can read it. */
export function checkBatch(bytes: Uint8Array, at: number): void {
  for (let next = at; next < bytes.length; ) next = endOfCommand(bytes, next)
}

function endOfCommand(bytes: Uint8Array, at: number): number {
  const end = at + LENGTH_BYTES + readU32(bytes, at)
  if (end > bytes.length) throw new MalformedError(`a command of a batch ends at ${end} of ${bytes.length}`)
  return end
}

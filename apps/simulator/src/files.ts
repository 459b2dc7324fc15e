import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Where reports go that nobody has named a place for; git ignores it. */
export const REPORTS = '.data/simulate'

/** Writes a file, and the folders that it is in. */
export function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** A name as part of the name of a file: whatever could mean something to a file system is a dash. */
export function fileName(text: string): string {
  return text.replaceAll(/[^\w.-]+/g, '-')
}

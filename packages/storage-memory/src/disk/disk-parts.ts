import type { Random } from '@dsys/runtime'
import type { MemoryFile } from './memory-file.ts'
import type { MemoryTree } from './memory-tree.ts'

/** What a mount needs of its disk. */
export interface DiskParts {
  readonly tree: MemoryTree
  readonly createFile: () => MemoryFile
  /** Whether the life of the mount goes on. */
  readonly isAlive: () => boolean
  readonly honours: (promise: 'durableWrites' | 'sync' | 'sync-directory') => boolean
  /** How many bytes files may still grow. */
  readonly roomBytes: () => number
  readonly locks: Set<string>
  readonly random: Random
}

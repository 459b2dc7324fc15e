import type { Random } from '@dsys/runtime'

/**
 * What becomes of changes that were not synced when power is lost: each is drawn (lost, kept, or torn, in any order), all
 * are lost, or all are kept.
 */
export type UnsyncedFate = 'drawn' | 'lost' | 'kept'

/** What a crash did to the changes that were not synced. */
export interface CrashReport {
  writesKept: number
  writesLost: number
  /** Writes of which a part is on the disk. */
  writesTorn: number
  /** Files whose writes reached the disk in another order than they were called. */
  filesReordered: number
  /** Names that were created, renamed or removed. */
  namesKept: number
  namesLost: number
  foldersLost: number
}

/** A report of a crash that has done nothing yet. */
export function emptyReport(): CrashReport {
  return {
    writesKept: 0,
    writesLost: 0,
    writesTorn: 0,
    filesReordered: 0,
    namesKept: 0,
    namesLost: 0,
    foldersLost: 0,
  }
}

const REORDER_PROBABILITY = 0.3

/**
 * An order in which `changes` may have reached the disk. A durable one is a barrier: what came before it and is there
 * came there before.
 */
export function landingOrder<T extends { readonly durable: boolean }>(changes: readonly T[], random: Random): T[] {
  const ordered: T[] = []
  let loose: T[] = []
  const flush = (): void => {
    if (loose.length > 1 && random.float() < REORDER_PROBABILITY) shuffle(loose, random)
    ordered.push(...loose)
    loose = []
  }
  for (const change of changes) {
    if (change.durable) {
      flush()
      ordered.push(change)
    } else loose.push(change)
  }
  flush()
  return ordered
}

/** Fisher and Yates. */
function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(0, i + 1)
    const [a, b] = [items[i] as T, items[j] as T]
    items[i] = b
    items[j] = a
  }
}

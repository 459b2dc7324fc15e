import { pick } from '../seed.ts'
import type { CrashFate, FaultyDisk } from '../world.ts'
import type { FaultAction } from './fault-action.ts'

const KEPT: CrashFate = { unsynced: 'kept', disk: 'kept' }

/** What still fits on a disk that fills up: nothing, less than a write, a few writes. */
const ROOMS_BYTES = [0, 512, 4_096]

/** A fault that lasts, and that the node may not survive: then it starts again once it is over. */
function lasting(make: (disk: FaultyDisk, random: Parameters<FaultAction>[0]['random']) => () => void): FaultAction {
  return ({ node, random }) => {
    if (node.disk === undefined) return undefined
    const restore = make(node.disk, random)
    return () => {
      restore()
      node.restart()
    }
  }
}

/** One bit changes while the process is down, as in years on a shelf; it is found when the node starts. */
const bitFlip: FaultAction = ({ node, id, atlas, random }) => {
  if (node.disk === undefined || !node.running || !atlas.lose(id)) return undefined
  node.crash(KEPT)
  node.disk.flipBit(random.integer(0, 2 ** 32))
  return () => node.restart()
}

/** Some reads fail, or all; mostly the node has to start with that, which is when it reads most. */
const readErrors: FaultAction = ({ node, forMs, later, random }) => {
  if (node.disk === undefined) return undefined
  const starts = random.float() < 0.6
  const restore = node.disk.failReads({ probability: starts ? 1 : pick(random, [0.2, 1]) })
  if (starts) {
    node.crash(KEPT)
    later(forMs / 2, () => node.restart())
  }
  return () => {
    restore()
    node.restart()
  }
}

/** What can go wrong with a disk. */
export const DISK_FAULTS: Readonly<Record<string, FaultAction>> = {
  'disk-stall': lasting((disk) => disk.stall()),
  'disk-slow': lasting((disk, random) => disk.slow(pick(random, [3, 30]))),
  'disk-full': lasting((disk, random) => disk.fill({ roomBytes: pick(random, ROOMS_BYTES) })),
  'sync-error': lasting((disk, random) => disk.failSyncs({ probability: pick(random, [0.1, 0.5, 1]) })),
  'read-errors': readErrors,
  'bit-flip': bitFlip,
}

import { pick } from '../seed.ts'
import type { CrashFate, FaultyDisk } from '../world.ts'
import type { FaultAction } from './fault-action.ts'

const KEPT: CrashFate = { unsynced: 'kept', disk: 'kept' }

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

/** The disk cannot be read while the node starts. */
const readErrors: FaultAction = ({ node, forMs, later }) => {
  if (node.disk === undefined) return undefined
  node.crash(KEPT)
  const restore = node.disk.failReads()
  later(forMs / 2, () => node.restart())
  return () => {
    restore()
    node.restart()
  }
}

/** What can go wrong with a disk. */
export const DISK_FAULTS: Readonly<Record<string, FaultAction>> = {
  'disk-stall': lasting((disk) => disk.stall()),
  'disk-slow': lasting((disk, random) => disk.slow(pick(random, [3, 30]))),
  'disk-full': lasting((disk) => disk.fill()),
  'sync-error': lasting((disk) => disk.failSyncs()),
  'read-errors': readErrors,
  'bit-flip': bitFlip,
}

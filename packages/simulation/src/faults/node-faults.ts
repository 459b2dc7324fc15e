import { pick } from '../seed.ts'
import type { CrashFate } from '../world.ts'
import { all, type FaultAction, nothing } from './fault-action.ts'

const KEPT: CrashFate = { unsynced: 'kept', disk: 'kept' }

function crashing(fate: (random: Parameters<FaultAction>[0]['random']) => CrashFate): FaultAction {
  return ({ node, random }) => {
    if (!node.running) return undefined
    node.crash(fate(random))
    return () => node.restart()
  }
}

/** Power is lost on this machine: of what was not synced, any part is left. */
const crash: FaultAction = crashing((random) => ({
  unsynced: random.float() < 0.5 ? 'drawn' : 'lost',
  disk: 'kept',
}))

/** The process is killed; the machine, and what it has buffered, goes on. */
const kill: FaultAction = crashing(() => KEPT)

/** Everybody loses power at once, as a data centre does. They come back one by one. */
const crashAll: FaultAction = ({ world, random, forMs, later }) => {
  const running = world.ids.map((id) => world.node(id)).filter((node) => node.running)
  if (running.length === 0) return undefined
  for (const node of running) {
    node.crash({ unsynced: 'drawn', disk: 'kept' })
    later(forMs * random.float(), () => node.restart())
  }
  return all(running.map((node) => () => node.restart()))
}

/** The disk is gone with all that it held. The node comes back with an empty one where the system allows that. */
const diskLost: FaultAction = ({ node, id, atlas }) => {
  if (!node.running || !atlas.lose(id)) return undefined
  node.crash({ unsynced: 'lost', disk: 'lost' })
  return () => node.restart()
}

const pause: FaultAction = ({ node }) => (node.running ? node.pause() : undefined)

const slow: FaultAction = ({ node, random, forMs }) => node.slow(forMs * pick(random, [0.01, 0.1, 0.5]))

const jumpForward: FaultAction = ({ node, random, forMs }) => {
  node.jumpForward(forMs * pick(random, [0.1, 1, 10]))
  return nothing
}

const HOUR_MS = 3_600_000

const jumpWall: FaultAction = ({ node, random }) => {
  node.jumpWall(pick(random, [-24 * HOUR_MS, -HOUR_MS, -1_000, 1_000, HOUR_MS, 24 * HOUR_MS]))
  return nothing
}

const drift: FaultAction = ({ node, random }) => node.drift(pick(random, [0.9, 0.97, 1.03, 1.1]))

/** A second process with the id of this one. */
const impostor: FaultAction = ({ node }) => (node.running ? node.impostor?.() : undefined)

/** What can go wrong with a node and its machine. */
export const NODE_FAULTS: Readonly<Record<string, FaultAction>> = {
  crash,
  kill,
  'crash-all': crashAll,
  'disk-lost': diskLost,
  pause,
  slow,
  'jump-forward': jumpForward,
  'jump-wall': jumpWall,
  drift,
  impostor,
}

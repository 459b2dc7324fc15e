import {
  CONFIGURATION_KIND,
  type Configuration,
  decodeConfiguration,
  type Membership,
  type PlacedConfiguration,
  type RaftCore,
} from '@dsys/raft/core'
import { type FaultAction, type FaultContext, type Restore, some } from '@dsys/simulation'
import type { Checker } from './checker.ts'
import type { CoreNode } from './core-node.ts'

/** How often somebody looks, while the fault lasts, whether the group could take the node back. */
const TENDED = 6

const pinOf = ({ pins = [] }: Configuration, id: string): number | undefined =>
  pins.find(([pinned]) => pinned === id)?.[1]

const countsIn = ({ voters, outgoing }: Configuration, id: string): boolean =>
  voters.includes(id) || outgoing.includes(id)

/** Whether the group of this configuration knows the node by another disk than it has: then it must count for nothing. */
export function isEstranged(configuration: Configuration, { id, disk }: CoreNode): boolean {
  const pinned = pinOf(configuration, id)
  return pinned !== undefined && pinned !== disk.hardState.incarnation
}

/** Whether this core knows the node by another disk than it has: by the configuration, or as a leader that has heard it. */
export function isStranger({ configuration: { configuration }, progress }: RaftCore, node: CoreNode): boolean {
  const heard = progress?.get(node.id)?.incarnation
  return isEstranged(configuration, node) || (heard !== undefined && heard !== node.disk.hardState.incarnation)
}

/** What an operator asks of a leader about a node that has lost its disk: that it leaves, or comes back as a new one. */
function membershipFor(core: RaftCore, node: CoreNode, nodes: readonly CoreNode[]): Membership | undefined {
  const { voters, learners, target } = core.configuration.configuration
  const without = { voters: voters.filter((id) => id !== node.id), learners: learners.filter((id) => id !== node.id) }
  const isOut = isStranger(core, node) && [...voters, ...learners, ...(target?.voters ?? [])].includes(node.id)
  if (voters.includes(node.id) && !isOut) return undefined
  return withoutStrangers(isOut ? without : { ...without, voters: [...without.voters, node.id] }, core, nodes)
}

/** `target` as somebody may ask for it who knows that strangers count for nothing, and must leave before they come back. */
export function withoutStrangers(
  target: Membership,
  core: RaftCore,
  nodes: readonly CoreNode[],
): Membership | undefined {
  const known = (id: string): boolean => !nodes.some((node) => node.id === id && isStranger(core, node))
  const voters = target.voters.filter(known)
  return voters.length === 0 ? undefined : { ...target, voters, learners: target.learners.filter(known) }
}

/**
 * Whether the group promises to survive that `node` loses its disk and comes back with an empty one (P-30): whoever may take part in an
 * election knows it by its disk, for good, and of every group that may decide a majority has its disks still.
 */
function survivesLossOf(node: CoreNode, nodes: readonly CoreNode[], checker: Checker): boolean {
  return nodes.every((other) =>
    newestOf(other).every(({ index, term, configuration }) => {
      if (index > 0 && !checker.hasChosen(index, term)) return false
      const { voters, outgoing, target } = configuration
      if (outgoing.length > 0 || target !== undefined) return false
      const knows = !countsIn(configuration, node.id) || pinOf(configuration, node.id) !== undefined
      if (other !== node && voters.includes(other.id) && !knows) return false
      const well = nodes.filter(
        (each) => each !== node && voters.includes(each.id) && !isEstranged(configuration, each) && !each.machine.lost,
      )
      return well.length * 2 > voters.length
    }),
  )
}

interface Found extends PlacedConfiguration {
  readonly term: number
}

/** The newest configuration on the disk of a node, and that of its core while it runs. */
function newestOf({ disk, core, madeAs }: CoreNode): Found[] {
  const { snapshot, entries } = disk.recovered
  const entry = entries.findLast(({ kind }) => kind === CONFIGURATION_KIND)
  const begun = { voters: madeAs.voters, learners: [], outgoing: [], target: undefined }
  const stored: Found =
    entry !== undefined
      ? { index: entry.index, term: entry.term, configuration: decodeConfiguration(entry.data) }
      : { index: 0, term: 0, configuration: snapshot?.configuration.configuration ?? begun }
  if (core === undefined) return [stored]
  const { index, configuration } = core.configuration
  return [stored, { index: index <= core.log.baseIndex ? 0 : index, term: core.log.termAt(index) ?? 0, configuration }]
}

/**
 * A node comes back under its id with an empty disk. Mostly an operator has the group take it back, if the leader can be reached; else it
 * stays out. At times the loss meets the group when it hurts most: what is committed is on the disk that is lost, and on those of nodes
 * that are cut off afterwards, so that the rest, with the one that has forgotten, would be a majority that knows nothing of it.
 */
export function diskReplaced(nodes: readonly CoreNode[], checker: Checker, count: (what: string) => void): FaultAction {
  return (context) => {
    const { id, forMs, random, later } = context
    const node = nodes.find((each) => each.id === id) as CoreNode
    const lose = (): boolean => {
      if (!node.machine.running || !survivesLossOf(node, nodes, checker)) return false
      node.loseDisk()
      return true
    }
    const restores: Restore[] = [() => node.machine.restart()]
    const trapped = random.float() < 0.5
    if (!trapped && !lose()) return undefined
    if (trapped && !spring(context, nodes, lose, restores, count)) return undefined
    if (!trapped) later(forMs * 0.3 * random.float(), () => node.machine.restart())
    if (random.float() < 0.7) {
      for (let i = 1; i <= TENDED; i++) later((forMs * (i + random.float())) / (TENDED + 1), () => tend(node, nodes))
    }
    return () => {
      for (const restore of restores) restore()
    }
  }
}

/** Who takes itself for the leader is told what to do about a node that has lost its disk. */
export function tend(node: CoreNode, nodes: readonly CoreNode[]): void {
  if (node.disk.replaced === 0) return
  for (const { driver } of nodes) {
    if (driver?.core.role === 'leader') driver.reconfigure((core) => membershipFor(core, node, nodes))
  }
}

function spring(
  { world, id, forMs, random, later }: FaultContext,
  nodes: readonly CoreNode[],
  lose: () => boolean,
  restores: Restore[],
  count: (what: string) => void,
): boolean {
  const leader = world.leader()
  if (leader === undefined || nodes.length < 3) return false
  const majority = Math.floor(nodes.length / 2) + 1
  const others = world.ids.filter((each) => each !== id && each !== leader)
  const inside = new Set([id, leader, ...some(random, others, 0.5)].slice(0, majority))
  for (const each of others) if (inside.size < majority) inside.add(each)
  const outside = world.ids.filter((each) => !inside.has(each))
  const apart = (some: Iterable<string>, rest: readonly string[]): Restore => {
    const cuts = [...some].flatMap((from) =>
      rest.flatMap((to) => [world.network.cut(from, to), world.network.cut(to, from)]),
    )
    return () => {
      for (const restore of cuts) restore()
    }
  }
  const mend = apart(inside, outside)
  restores.push(mend)
  later(forMs * 0.2 * random.float(), () => {
    mend()
    if (!lose()) return
    count('lost-disk.trap')
    inside.delete(id)
    restores.push(apart(inside, [id, ...outside]))
    world.node(id).restart()
  })
  return true
}

import { Draws } from '../draws.ts'
import { type Assignment, EMPTY } from './assignment.ts'

const SEED = 0x9eed
const TRIES = 24

/** Leaves every old holder where it is that stays in the cluster, as far as the zone rule lets it. Says whether it let all. */
export function keepOld(table: Assignment): boolean {
  const { partitions, width, old, oldWidth, zones } = table.problem
  let keptAll = true
  for (let partition = 0; partition < partitions; partition++) {
    let slot = partition * width
    for (let at = partition * oldWidth; at < (partition + 1) * oldWidth; at++) {
      const node = old[at] as number
      if (node === EMPTY) continue
      if (table.zoneHasRoom(partition, zones.ofNode[node] as number)) table.put(slot++, node)
      else keptAll = false
    }
  }
  return keptAll
}

/** The empty slots, in order. */
export function emptySlots(table: Assignment): number[] {
  const empty: number[] = []
  for (const [slot, node] of table.rows.entries()) if (node === EMPTY) empty.push(slot)
  return empty
}

/**
 * Fills empty slots, then lets nodes with too many replicas hand some over, each time straight to a node with room for it, at random as long as
 * that goes easily. Every such step costs one copy, and no cheaper way exists; what is left for the search are the corners.
 */
export function fillDirectly(table: Assignment): void {
  const draws = new Draws(SEED)
  fillEmpty(table, draws)
  handOver(table, draws)
}

function fillEmpty(table: Assignment, draws: Draws): void {
  const { width, zones } = table.problem
  const empty = emptySlots(table)
  if (empty.length === 0) return
  const units = unitsOfRoom(table)
  for (let at = empty.length - 1; at > 0; at--) swap(empty, at, draws.below(at + 1))
  for (const slot of empty) {
    const partition = Math.floor(slot / width)
    for (let attempt = 0; attempt < TRIES && units.length > 0; attempt++) {
      const at = draws.below(units.length)
      const node = units[at] as number
      if (!table.hasRoom(node)) {
        remove(units, at)
      } else if (
        table.slotOf(partition, node) === EMPTY &&
        table.zoneHasRoom(partition, zones.ofNode[node] as number)
      ) {
        table.put(slot, node)
        remove(units, at)
        break
      }
    }
  }
}

/** Each node as often as it lacks replicas, and once more where it may have one of the pool. */
function unitsOfRoom(table: Assignment): number[] {
  const { least, most } = table.problem.quotas
  const units: number[] = []
  for (const [node, count] of table.counts.entries()) {
    for (let i = count; i < (least[node] as number); i++) units.push(node)
    if ((most[node] as number) > (least[node] as number) && count < (most[node] as number)) units.push(node)
  }
  return units
}

function handOver(table: Assignment, draws: Draws): void {
  const { width } = table.problem
  const givers = [...table.counts.keys()].filter((node) => table.mustGive(node))
  const takers = [...table.counts.keys()].filter((node) => table.hasRoom(node))
  for (let misses = 0; misses < TRIES && givers.length > 0 && takers.length > 0; ) {
    const [fromAt, toAt] = [draws.below(givers.length), draws.below(takers.length)]
    const [from, to] = [givers[fromAt] as number, takers[toAt] as number]
    if (!table.mustGive(from)) remove(givers, fromAt)
    else if (!table.hasRoom(to)) remove(takers, toAt)
    else {
      const held = table.held[from] as number[]
      const slot = held[draws.below(held.length)] as number
      const partition = Math.floor(slot / width)
      if (table.slotOf(partition, to) === EMPTY && table.mayReplace(partition, from, to)) {
        table.take(slot)
        table.put(slot, to)
        misses = 0
      } else misses += 1
    }
  }
}

function swap(list: number[], a: number, b: number): void {
  const kept = list[a] as number
  list[a] = list[b] as number
  list[b] = kept
}

/** Takes an item out of a list of which the order means nothing. */
function remove(list: number[], at: number): void {
  const last = list.pop() as number
  if (at < list.length) list[at] = last
}

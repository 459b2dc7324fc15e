import type { PartitionTable } from '../src/index.ts'

/** Every choice of holders that the promises allow for the nodes of `table`: by trying all. Each is a list of sets, one for each partition. */
export function everyTable(table: PartitionTable): string[][][] {
  const ids = table.nodes.map((node) => node.id)
  const zoneOf = new Map(table.nodes.map((node) => [node.id, node.zone]))
  const width = Math.min(table.replicas, ids.length)
  const rows = subsets(ids, width).filter((row) => isSpread(row, ids, zoneOf))
  const fair = new Map(table.stats().nodes.map((node) => [node.id, node.fairReplicas]))
  let tables: string[][][] = [[]]
  for (let partition = 0; partition < table.partitions; partition++) {
    tables = tables.flatMap((start) => rows.map((row) => [...start, row]))
  }
  return tables.filter((all) => {
    const held = all.flat()
    return ids.every((id) => Math.abs(held.filter((one) => one === id).length - (fair.get(id) ?? 0)) < 1)
  })
}

/** The fewest copies from `before` to any of `tables`. */
export function fewestCopies(before: PartitionTable, tables: readonly string[][][]): number {
  const old = Array.from({ length: before.partitions }, (_, partition) => before.holders(partition))
  const costs = tables.map((table) =>
    table.reduce((sum, row, partition) => sum + row.filter((id) => !old[partition]?.includes(id)).length, 0),
  )
  return Math.min(...costs)
}

/** No zone has two more than one that has nodes left. */
function isSpread(row: readonly string[], ids: readonly string[], zoneOf: Map<string, string | undefined>): boolean {
  const zones = [...new Set(zoneOf.values())]
  const of = (list: readonly string[], zone: string | undefined): number =>
    list.filter((id) => zoneOf.get(id) === zone).length
  return zones.every((one) =>
    zones.every((other) => of(row, one) - 1 <= of(row, other) || of(row, other) === of(ids, other)),
  )
}

function subsets(ids: readonly string[], size: number): string[][] {
  if (size === 0) return [[]]
  return ids.flatMap((id, i) => subsets(ids.slice(i + 1), size - 1).map((rest) => [id, ...rest]))
}

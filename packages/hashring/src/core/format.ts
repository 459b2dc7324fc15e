import { PlacementFormatError } from '../errors.ts'
import type { PlacementHash, PlacementNode } from '../options.ts'
import type { PlacementStrategy } from '../placement.ts'
import { NodeSet } from './nodes.ts'

const FORMAT = 1

/** The fields of a serialized placement. */
export type Content = Readonly<Record<string, unknown>>

/**
 * One text for one content: the order of joins does not show. A ring has no `strategy`, as there was none when the format was made.
 */
export function serializeContent(
  strategy: PlacementStrategy,
  fields: Content,
  nodes: readonly PlacementNode[],
): string {
  const list = nodes.map(({ id, weight, zone }) => (zone === undefined ? [id, weight] : [id, weight, zone]))
  const named = strategy === 'ring' ? {} : { strategy }
  const { holders, ...rest } = fields
  return JSON.stringify({ format: FORMAT, ...named, ...rest, nodes: list, holders })
}

/** Reads the frame of what {@link serializeContent} wrote. */
export function parseContent(text: string): Content {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PlacementFormatError('it is not JSON', cause)
  }
  if (typeof value !== 'object' || value === null) throw new PlacementFormatError('it is not an object')
  const content = value as Content
  if (content['format'] !== FORMAT) {
    throw new PlacementFormatError(`its format is ${JSON.stringify(content['format'])}, this version reads ${FORMAT}`)
  }
  return content
}

export function strategyOf(content: Content): unknown {
  return content['strategy'] ?? 'ring'
}

/** Throws unless the content is of `strategy`. */
export function assertStrategy(content: Content, strategy: PlacementStrategy): void {
  const found = strategyOf(content)
  if (found !== strategy)
    throw new PlacementFormatError(`it is of strategy ${JSON.stringify(found)}, not "${strategy}"`)
}

export function numberField(content: Content, name: string): number {
  const value = content[name]
  if (typeof value !== 'number') throw new PlacementFormatError(`"${name}" is missing or not a number`)
  return value
}

/** Throws unless the content was made with `hash`. */
export function assertHash(content: Content, hash: PlacementHash): void {
  const name = content['hash']
  if (typeof name !== 'string') throw new PlacementFormatError('"hash" is missing or not text')
  if (name !== hash.name) throw new PlacementFormatError(`it uses hash "${name}", not "${hash.name}"`)
}

export function nodesField(content: Content): NodeSet {
  const nodes = content['nodes']
  if (!Array.isArray(nodes)) throw new PlacementFormatError('"nodes" is missing or not a list')
  const list = nodes.map(parseNode)
  if (new Set(list.map((node) => node.id)).size !== list.length) throw new PlacementFormatError('it names a node twice')
  return withinLimits(() => NodeSet.of(list))
}

function parseNode(value: unknown): PlacementNode {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3)
    throw new PlacementFormatError('a node is not [id, weight, zone]')
  const [id, weight, zone] = value as unknown[]
  if (typeof id !== 'string' || typeof weight !== 'number' || (zone !== undefined && typeof zone !== 'string')) {
    throw new PlacementFormatError('a node has a field of the wrong type')
  }
  return { id, weight, zone }
}

/** Runs `make`, and says of a value out of its limits that the text is wrong. */
export function withinLimits<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (cause instanceof RangeError) throw new PlacementFormatError('a value is out of its limits', cause)
    throw cause
  }
}

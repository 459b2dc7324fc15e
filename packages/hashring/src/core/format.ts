import { RingFormatError } from '../errors.ts'
import type { RingNode } from '../options.ts'

/** The full content of a ring: two rings with equal content place every key alike. */
export interface RingContent {
  readonly hashName: string
  readonly virtualNodes: number
  /** Ordered by id. */
  readonly nodes: readonly RingNode[]
}

const FORMAT = 1

/** One text for one content: the order of joins does not show. */
export function serializeContent(content: RingContent): string {
  const nodes = content.nodes.map(({ id, weight, zone }) => (zone === undefined ? [id, weight] : [id, weight, zone]))
  return JSON.stringify({ format: FORMAT, hash: content.hashName, virtualNodes: content.virtualNodes, nodes })
}

/** Reads what {@link serializeContent} wrote. Limits of the values are for the caller to check. */
export function parseContent(text: string): RingContent {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RingFormatError('it is not JSON', cause)
  }
  if (typeof value !== 'object' || value === null) throw new RingFormatError('it is not an object')
  const { format, hash, virtualNodes, nodes } = value as Record<string, unknown>
  if (format !== FORMAT)
    throw new RingFormatError(`its format is ${JSON.stringify(format)}, this version reads ${FORMAT}`)
  if (typeof hash !== 'string' || typeof virtualNodes !== 'number' || !Array.isArray(nodes)) {
    throw new RingFormatError('a field is missing or of the wrong type')
  }
  return { hashName: hash, virtualNodes, nodes: nodes.map(parseNode) }
}

function parseNode(value: unknown): RingNode {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3)
    throw new RingFormatError('a node is not [id, weight, zone]')
  const [id, weight, zone] = value as unknown[]
  if (typeof id !== 'string' || typeof weight !== 'number' || (zone !== undefined && typeof zone !== 'string')) {
    throw new RingFormatError('a node has a field of the wrong type')
  }
  return { id, weight, zone }
}

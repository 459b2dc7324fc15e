import { hashText } from '../json.ts'

/** All keys with one hash; nearly always there is one. */
interface Leaf<Value> {
  readonly hash: number
  readonly entries: readonly (readonly [key: string, value: Value])[]
}

/** Where hashes part: those of `low` have a 0 at this bit, those of `high` a 1, and the bits above are the prefix. */
interface Branch<Value> {
  readonly bit: number
  readonly prefix: number
  readonly low: Node<Value>
  readonly high: Node<Value>
}

type Node<Value> = Leaf<Value> | Branch<Value>

const isLeaf = <Value>(node: Node<Value>): node is Leaf<Value> => 'entries' in node
// In two shifts: by 32 at once would be by none.
const prefixOf = (hash: number, bit: number): number => (hash >>> bit) >>> 1
const isHigh = (hash: number, bit: number): boolean => ((hash >>> bit) & 1) === 1

/**
 * A map that is never changed in place, and whose copies share all but what differs: a search keeps many states that are nearly alike.
 * A binary trie over the hashes of the keys (Okasaki and Gill, "Fast Mergeable Integer Maps", 1998). Its shape follows from its keys
 * alone, so that maps which have much in common are compared in little time.
 */
export class PersistentMap<Value> {
  readonly size: number
  readonly #root: Node<Value> | undefined

  private constructor(root: Node<Value> | undefined, size: number) {
    this.#root = root
    this.size = size
  }

  static empty<Value>(): PersistentMap<Value> {
    return new PersistentMap<Value>(undefined, 0)
  }

  get(key: string): Value | undefined {
    return find(this.#root, hashText(key), key)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** With this value for the key, which must not be `undefined`. */
  with(key: string, value: Value): PersistentMap<Value> {
    const hash = hashText(key)
    return new PersistentMap(insert(this.#root, hash, [key, value]), this.has(key) ? this.size : this.size + 1)
  }

  without(key: string): PersistentMap<Value> {
    return this.has(key) ? new PersistentMap(remove(this.#root, hashText(key), key), this.size - 1) : this
  }

  equals(other: PersistentMap<Value>, same: (a: Value, b: Value) => boolean): boolean {
    return this.size === other.size && isSame(this.#root, other.#root, same)
  }

  /** In an order that depends on the keys alone. */
  *entries(): Generator<readonly [key: string, value: Value]> {
    const rest = this.#root === undefined ? [] : [this.#root]
    for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
      if (isLeaf(node)) yield* node.entries
      else rest.push(node.high, node.low)
    }
  }
}

function find<Value>(root: Node<Value> | undefined, hash: number, key: string): Value | undefined {
  let node = root
  while (node !== undefined && !isLeaf(node)) node = isHigh(hash, node.bit) ? node.high : node.low
  return node?.entries.find(([other]) => other === key)?.[1]
}

function insert<Value>(node: Node<Value> | undefined, hash: number, entry: readonly [string, Value]): Node<Value> {
  const leaf = { hash, entries: [entry] }
  if (node === undefined) return leaf
  if (isLeaf(node)) {
    if (node.hash !== hash) return join(leaf, hash, node, node.hash)
    const others = node.entries.filter(([key]) => key !== entry[0])
    return { hash, entries: [...others, entry] }
  }
  const { bit, prefix, low, high } = node
  // Any hash below the branch will do: above the bit they are alike.
  if (prefixOf(hash, bit) !== prefix) return join(leaf, hash, node, (prefix << bit) << 1)
  return isHigh(hash, bit)
    ? { bit, prefix, low, high: insert(high, hash, entry) }
    : { bit, prefix, low: insert(low, hash, entry), high }
}

function join<Value>(a: Node<Value>, hashA: number, b: Node<Value>, hashB: number): Branch<Value> {
  const bit = 31 - Math.clz32(hashA ^ hashB)
  const prefix = prefixOf(hashA, bit)
  return isHigh(hashA, bit) ? { bit, prefix, low: b, high: a } : { bit, prefix, low: a, high: b }
}

/** Of a key that is there. */
function remove<Value>(node: Node<Value> | undefined, hash: number, key: string): Node<Value> | undefined {
  if (node === undefined) return undefined
  if (isLeaf(node)) {
    const entries = node.entries.filter(([other]) => other !== key)
    return entries.length === 0 ? undefined : { hash, entries }
  }
  const [low, high] = isHigh(hash, node.bit)
    ? [node.low, remove(node.high, hash, key)]
    : [remove(node.low, hash, key), node.high]
  if (low === undefined || high === undefined) return low ?? high
  return { bit: node.bit, prefix: node.prefix, low, high }
}

function isSame<Value>(
  a: Node<Value> | undefined,
  b: Node<Value> | undefined,
  same: (a: Value, b: Value) => boolean,
): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || isLeaf(a) !== isLeaf(b)) return false
  if (isLeaf(a) || isLeaf(b)) {
    const [left, right] = [a, b] as [Leaf<Value>, Leaf<Value>]
    if (left.hash !== right.hash || left.entries.length !== right.entries.length) return false
    return left.entries.every(([key, value]) => {
      const other = right.entries.find(([name]) => name === key)
      return other !== undefined && same(value, other[1])
    })
  }
  return a.bit === b.bit && a.prefix === b.prefix && isSame(a.low, b.low, same) && isSame(a.high, b.high, same)
}

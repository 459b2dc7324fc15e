/** The most keys of a leaf, and children of a branch. */
const MAX_WIDTH = 64
/** One with less is put together with its neighbour where both fit into one. */
const MIN_WIDTH = 16

/** A leaf has `values`, one for each key. A branch has `children`, one more than keys: key i is not above any key of child i + 1. */
interface Node<V> {
  /** Which state of a tree may change it in place. */
  readonly owner: object
  readonly keys: string[]
  readonly values: V[]
  readonly children: Node<V>[] | undefined
}

/** What a full node left over, and where it begins. */
interface Split<V> {
  readonly key: string
  readonly node: Node<V>
}

/** The place of the first key that is not below `key`. */
function placeOf(keys: readonly string[], key: string): number {
  let [from, to] = [0, keys.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((keys[middle] as string) < key) from = middle + 1
    else to = middle
  }
  return from
}

/** Which child of a branch has `key`. */
function childOf(keys: readonly string[], key: string): number {
  const place = placeOf(keys, key)
  return keys[place] === key ? place + 1 : place
}

/** Some entries that follow each other: each value beside its key. */
export interface EntryRun<V> {
  readonly keys: readonly string[]
  readonly values: readonly V[]
}

/** Leaf by leaf: a generator that stepped through every entry, branch within branch, took several times as long. */
function* leavesOf<V>(node: Node<V>): Generator<EntryRun<V>, void, undefined> {
  if (node.children === undefined) yield node
  else for (const child of node.children) yield* leavesOf(child)
}

/**
 * A map from strings to values, in the order of the keys, of which a view costs nothing: a B-tree that copies a node before it
 * changes it for the first time after a view was taken. So a change then copies as many nodes as the tree is deep, of 64 keys each.
 */
export class EntryTree<V> implements Iterable<[key: string, value: V]> {
  #owner: object = {}
  #root: Node<V> = { owner: this.#owner, keys: [], values: [], children: undefined }
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    let node = this.#root
    while (node.children !== undefined) node = node.children[childOf(node.keys, key)] as Node<V>
    const place = placeOf(node.keys, key)
    return node.keys[place] === key ? node.values[place] : undefined
  }

  set(key: string, value: V): void {
    const root = this.#own(this.#root)
    this.#root = root
    const split = this.#insert(root, key, value)
    if (split === undefined) return
    this.#root = { owner: this.#owner, keys: [split.key], values: [], children: [root, split.node] }
  }

  /** Returns whether it was there. */
  delete(key: string): boolean {
    if (this.get(key) === undefined) return false
    const root = this.#own(this.#root)
    this.#remove(root, key)
    this.#size--
    const only = root.children?.length === 1 ? root.children[0] : undefined
    this.#root = only ?? root
    return true
  }

  /** The entries as they are now, in order, however the tree changes. Some runs may be empty. */
  freeze(): Iterable<EntryRun<V>> {
    this.#owner = {}
    const root = this.#root
    return { [Symbol.iterator]: () => leavesOf(root) }
  }

  /** In order. The tree must not change meanwhile. */
  *[Symbol.iterator](): Iterator<[key: string, value: V], void, undefined> {
    for (const { keys, values } of leavesOf(this.#root)) {
      for (const [i, key] of keys.entries()) yield [key, values[i] as V]
    }
  }

  /** The node itself where no view has it, else a copy. */
  #own(node: Node<V>): Node<V> {
    if (node.owner === this.#owner) return node
    return {
      owner: this.#owner,
      keys: node.keys.slice(),
      values: node.values.slice(),
      children: node.children?.slice(),
    }
  }

  /** The child of an own branch, to be changed. */
  #ownChild(children: Node<V>[], place: number): Node<V> {
    const child = this.#own(children[place] as Node<V>)
    children[place] = child
    return child
  }

  #insert(node: Node<V>, key: string, value: V): Split<V> | undefined {
    const { keys, values, children } = node
    if (children === undefined) {
      const place = placeOf(keys, key)
      if (keys[place] === key) {
        values[place] = value
        return undefined
      }
      keys.splice(place, 0, key)
      values.splice(place, 0, value)
      this.#size++
      return keys.length > MAX_WIDTH ? this.#splitLeaf(node, place) : undefined
    }
    const place = childOf(keys, key)
    const split = this.#insert(this.#ownChild(children, place), key, value)
    if (split === undefined) return undefined
    keys.splice(place, 0, split.key)
    children.splice(place + 1, 0, split.node)
    if (children.length <= MAX_WIDTH) return undefined
    const half = place + 2 === children.length ? MAX_WIDTH : MAX_WIDTH >>> 1
    const right = { owner: this.#owner, keys: keys.splice(half), values: [], children: children.splice(half) }
    return { key: keys.pop() as string, node: right }
  }

  /** Keys that come in order leave full leaves behind. */
  #splitLeaf({ keys, values }: Node<V>, place: number): Split<V> {
    const half = place + 1 === keys.length ? MAX_WIDTH : MAX_WIDTH >>> 1
    const right = { owner: this.#owner, keys: keys.splice(half), values: values.splice(half), children: undefined }
    return { key: right.keys[0] as string, node: right }
  }

  #remove({ keys, values, children }: Node<V>, key: string): void {
    if (children === undefined) {
      const place = placeOf(keys, key)
      keys.splice(place, 1)
      values.splice(place, 1)
      return
    }
    const place = childOf(keys, key)
    const child = this.#ownChild(children, place)
    this.#remove(child, key)
    if (widthOf(child) >= MIN_WIDTH || children.length < 2) return
    const leftPlace = Math.max(place - 1, 0)
    const right = children[leftPlace + 1] as Node<V>
    if (widthOf(children[leftPlace] as Node<V>) + widthOf(right) > MAX_WIDTH) return
    const left = this.#ownChild(children, leftPlace)
    const [between] = keys.splice(leftPlace, 1)
    children.splice(leftPlace + 1, 1)
    if (left.children !== undefined) left.keys.push(between as string)
    left.keys.push(...right.keys)
    left.values.push(...right.values)
    left.children?.push(...(right.children ?? []))
  }
}

const widthOf = <V>({ keys, children }: Node<V>): number => children?.length ?? keys.length

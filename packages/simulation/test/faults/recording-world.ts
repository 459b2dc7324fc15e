import type { FaultyDisk, FaultyNode, FaultyWorld, LinkTrouble, Restore } from '../../src/world.ts'

/** A world in which nothing runs: it notes what is done to it, and what is still done to it. */
export class RecordingWorld implements FaultyWorld {
  readonly ids: readonly string[]
  /** What lasts now, such as `cut n1>n2`. */
  readonly active = new Map<string, number>()
  /** What was done, in order. */
  readonly done: string[] = []
  readonly down = new Set<string>()
  readonly #nodes: ReadonlyMap<string, FaultyNode>
  leading: string | undefined

  constructor(size: number, options: { readonly disk?: boolean; readonly impostor?: boolean } = {}) {
    this.ids = Array.from({ length: size }, (_, i) => `n${i + 1}`)
    this.#nodes = new Map(this.ids.map((id) => [id, this.#makeNode(id, options)]))
  }

  leader(): string | undefined {
    return this.leading
  }

  node(id: string): FaultyNode {
    return this.#nodes.get(id) as FaultyNode
  }

  readonly network = {
    cut: (from: string, to: string): Restore => this.begin(`cut ${from}>${to}`),
    hold: (from: string, to: string): Restore => this.begin(`hold ${from}>${to}`),
    trouble: (from: string, to: string, trouble: LinkTrouble): Restore =>
      this.begin(`${Object.keys(trouble).join()} ${from}>${to}`),
    disconnect: (id: string, { buffered }: { readonly buffered: boolean }): Restore =>
      this.begin(`${buffered ? 'stale' : 'outage'} ${id}`),
    healAmong: (ids: readonly string[]): void => void this.done.push(`heal ${ids.join(' ')}`),
  }

  begin(what: string): Restore {
    this.done.push(what)
    this.active.set(what, (this.active.get(what) ?? 0) + 1)
    let over = false
    return () => {
      if (over) return
      over = true
      const left = (this.active.get(what) ?? 0) - 1
      if (left === 0) this.active.delete(what)
      else this.active.set(what, left)
    }
  }

  /** The links that are cut now, as `from>to`. */
  get cuts(): string[] {
    return [...this.active.keys()].filter((what) => what.startsWith('cut ')).map((what) => what.slice(4))
  }

  #makeNode(id: string, { disk = true, impostor = true }: { disk?: boolean; impostor?: boolean }): FaultyNode {
    const down = this.down
    return {
      get running() {
        return !down.has(id)
      },
      crash: (fate) => {
        this.done.push(`crash ${id} ${fate.unsynced} ${fate.disk}`)
        down.add(id)
      },
      restart: () => {
        if (down.delete(id)) this.done.push(`restart ${id}`)
      },
      pause: () => this.begin(`pause ${id}`),
      slow: () => this.begin(`slow ${id}`),
      jumpWall: (ms) => void this.done.push(`wall ${id} ${ms}`),
      jumpForward: (ms) => void this.done.push(`forward ${id} ${ms}`),
      drift: () => this.begin(`drift ${id}`),
      ...(impostor ? { impostor: () => this.begin(`impostor ${id}`) } : {}),
      ...(disk ? { disk: this.#makeDisk(id) } : {}),
    }
  }

  #makeDisk(id: string): FaultyDisk {
    return {
      stall: () => this.begin(`stall ${id}`),
      slow: () => this.begin(`slow disk ${id}`),
      failReads: (options) => this.begin(`fail reads ${id} ${JSON.stringify(options)}`),
      failSyncs: (options) => this.begin(`fail syncs ${id} ${JSON.stringify(options)}`),
      fill: (options) => this.begin(`fill ${id} ${JSON.stringify(options)}`),
      flipBit: () => void this.done.push(`flip ${id}`),
    }
  }
}

import { type Runtime, SeededRandom } from '@dsys/runtime'
import type { LogStorage } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { MemoryDisk } from '@dsys/storage-memory'
import type { ClusterStorage } from './cluster.ts'

/** The logs of a cluster in files, on simulated disks that can be damaged. */
export class LogFiles implements ClusterStorage {
  readonly #disks = new Map<string, MemoryDisk>()
  readonly #lives = new Map<string, number>()

  disk(id: string): MemoryDisk {
    let disk = this.#disks.get(id)
    if (disk === undefined) {
      disk = new MemoryDisk(new SeededRandom(1).stream(id))
      this.#disks.set(id, disk)
    }
    return disk
  }

  open(id: string, runtime: Runtime): LogStorage {
    const life = (this.#lives.get(id) ?? 0) + 1
    this.#lives.set(id, life)
    // Segments of two lives must not get the same id.
    const random = new SeededRandom(life).stream(id)
    return new FileLogStorage(
      { ...runtime, random, disk: this.disk(id).mount() },
      { directory: 'n', segmentBytes: 16_384 },
    )
  }

  crash(id: string): void {
    this.disk(id).crash('lost')
  }

  /** Turns over one bit of `text`, which stands in the log of a node that does not run. */
  damage(id: string, text: string): void {
    if (!this.tryDamage(id, text)) throw new Error(`"${text}" is not in the log of ${id}`)
  }

  /** The same, where `text` stands there. Says whether it does. */
  tryDamage(id: string, text: string): boolean {
    for (const { path } of this.disk(id).files()) {
      if (!path.endsWith('.wal')) continue
      const position = Buffer.from(this.disk(id).content(path)).indexOf(text)
      if (position < 0) continue
      this.disk(id).flip({ path, position, bit: 0 })
      return true
    }
    return false
  }
}

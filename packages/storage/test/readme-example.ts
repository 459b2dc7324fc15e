import type { LogStorage } from '@dsys/storage'
import { ArrayLogStorage } from './array-log-storage.ts'

/** Works with every adapter: storage-memory, storage-file, or your own. Here it is the one of this package's tests. */
async function remember(storage: LogStorage, text: string): Promise<number> {
  await using log = await storage.openGroup('notes')
  const index = (log.recovered.entries.at(-1)?.index ?? 0) + 1
  await log.persist({ entries: [{ index, term: 1, kind: 0, data: Buffer.from(text) }] }) // durable from here on
  return index
}

await using storage = new ArrayLogStorage()
await storage.start()
await remember(storage, 'first')
console.log(await remember(storage, 'second')) // 2

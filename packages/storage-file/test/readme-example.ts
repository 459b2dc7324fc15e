import { mkdtemp } from 'node:fs/promises'
import { systemRuntime } from '@dsys/runtime'
import { FileLogStorage } from '@dsys/storage-file'

const directory = await mkdtemp('/tmp/n1-')
await using storage = new FileLogStorage(systemRuntime(), { directory })
await storage.start()
const log = await storage.openGroup('orders')
await log.persist({
  hardState: { term: 1, votedFor: 'n1' },
  entries: [{ index: 1, term: 1, kind: 0, data: Buffer.from('one sold') }],
}) // on the disk now, safe from kill -9 and from a loss of power
await log[Symbol.asyncDispose]()
const again = await storage.openGroup('orders')
console.log(again.recovered.entries.length) // 1

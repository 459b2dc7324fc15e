import { equal, ok } from 'node:assert/strict'
import { NodeScope } from '@dsys/di'
import { SeededRandom } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { LOG_STORAGE } from '@dsys/storage/di'
import { FileLogStorage } from '@dsys/storage-file'
import { fileStorage } from '@dsys/storage-file/di'
import { MemoryDisk } from '@dsys/storage-memory'
import { test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'

test('fileStorage registers the log storage, which the scope starts and stops', async () => {
  const disk = new MemoryDisk(new SeededRandom(1)).mount()
  for (const term of [0, 3]) {
    await using scope = new NodeScope(plainContainer()).use(
      runtime({ random: new SeededRandom(term) }),
      fileStorage({ directory: 'n', disk, segmentBytes: 4_096 }),
    )
    await scope.start()
    const storage = scope.get(LOG_STORAGE)
    ok(storage instanceof FileLogStorage)
    const log = await storage.openGroup('g')
    equal(log.recovered.hardState.term, term)
    await log.persist({ hardState: { term: 3, votedFor: undefined } })
  }
})

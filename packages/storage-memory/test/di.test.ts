import { equal, ok } from 'node:assert/strict'
import { NodeScope } from '@dsys/di'
import { LOG_STORAGE, STATE_STORAGE } from '@dsys/storage/di'
import { MemoryLogDisk, MemoryLogStorage, MemoryStateStorage } from '@dsys/storage-memory'
import { memoryStorage } from '@dsys/storage-memory/di'
import { test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'

test('memoryStorage registers both storages, which the scope starts and stops', async () => {
  const disk = new MemoryLogDisk()
  for (const term of [0, 3]) {
    await using scope = new NodeScope(plainContainer()).use(memoryStorage({ disk }))
    await scope.start()
    const storage = scope.get(LOG_STORAGE)
    ok(storage instanceof MemoryLogStorage)
    ok(scope.get(STATE_STORAGE) instanceof MemoryStateStorage)
    const log = await storage.openGroup('g')
    equal(log.recovered.hardState.term, term)
    await log.persist({ hardState: { term: 3, votedFor: undefined } })
  }
})

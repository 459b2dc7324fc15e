import { equal, ok } from 'node:assert/strict'
import { NodeScope } from '@dsys/di'
import { runtime } from '@dsys/runtime/di'
import { STATE_STORAGE } from '@dsys/storage/di'
import { LevelStateStorage } from '@dsys/storage-level'
import { levelStorage } from '@dsys/storage-level/di'
import { test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { temporaryFolder } from './folder-place.ts'

test('levelStorage registers the state storage, which the scope starts and stops', async () => {
  await using folder = await temporaryFolder()
  for (const found of [undefined, 1]) {
    await using scope = new NodeScope(plainContainer()).use(runtime(), levelStorage({ directory: folder.path }))
    await scope.start()
    const storage = scope.get(STATE_STORAGE)
    ok(storage instanceof LevelStateStorage)
    equal((await storage.get(Uint8Array.of(1)))?.[0], found)
    await storage.write([{ type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(1) }])
  }
})

// A state storage in a process of its own, which can be killed. It runs what its parent asks for, in the order of the messages.
import { systemRuntime } from '@dsys/runtime'
import { LevelStateStorage } from '@dsys/storage-level'

const storage = new LevelStateStorage(systemRuntime(), JSON.parse(process.argv[2] ?? '{}'))

/** @param {import('@dsys/storage').StateRange} [range] */
async function entries(range) {
  const pairs = []
  for await (const pair of storage.entries(range)) pairs.push(pair)
  return pairs
}

/** @type {Readonly<Record<string, (...parameters: any[]) => Promise<unknown>>>} */
const calls = {
  start: () => storage.start(),
  stop: () => storage.stop(),
  get: (key) => storage.get(key),
  write: (changes, options) => storage.write(changes, options),
  entries,
}

/** @param {unknown} message */
const tell = (message) => process.send?.(message)

process.on('message', (/** @type {{ id: number, name: string, parameters: unknown[] }} */ { id, name, parameters }) => {
  calls[name]?.(...parameters).then(
    (result) => tell({ id, result }),
    ({ message, code, outcome }) => tell({ id, error: { message, code, outcome } }),
  )
})
tell({ id: 0 })

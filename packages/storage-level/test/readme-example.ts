import { mkdtemp } from 'node:fs/promises'
import { systemRuntime } from '@dsys/runtime'
import { LevelStateStorage } from '@dsys/storage-level'

const directory = await mkdtemp('/tmp/n1-state-')
await using state = new LevelStateStorage(systemRuntime(), { directory })
await state.start()
await state.write([
  { type: 'put', key: Buffer.from('cart/7'), value: Buffer.from('a lamp') },
  { type: 'put', key: Buffer.from('cart/8'), value: Buffer.from('a chair') },
]) // both are on the disk now, safe from kill -9 and from a loss of power
await state.write([{ type: 'delete', key: Buffer.from('cart/7') }], { durable: false }) // read at once; a loss of power may undo it
for await (const [key, value] of state.entries({ from: Buffer.from('cart/') }))
  console.log(`${Buffer.from(key)} ${Buffer.from(value)}`) // cart/8 a chair

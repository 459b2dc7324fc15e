import { writeFileSync } from 'node:fs'
import { forSeeds } from '@dsys/simulation'
import { test } from 'vitest'

test('what was written is still there after chaos, with every seed', async () => {
  const page = (html: string, seed: number): void => writeFileSync(`failed-seed-${seed}.html`, html)
  await forSeeds({ count: 5 }, { nodes: 3, page }, async (cluster) => {
    const stock = async () => cluster.service(await cluster.elected()).kv.linearizable('default')
    await cluster.run((await stock()).put('sku/1', Buffer.from('7')))
    await cluster.chaos({ lasting: '10s' })
    await cluster.converged()
    const { value } = (await cluster.run((await stock()).get('sku/1'))) ?? {}
    if (value?.toString() !== '7') throw new Error(`it is ${value}`)
  })
})

import { describe, expect, onTestFailed, test } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { TestCluster } from './harness/test-cluster.ts'
import { until } from './harness/until.ts'
import { auditWrites, WriteStream } from './harness/write-stream.ts'

const nats = await natsForTests()

nats.describe(describe, 'three node processes over a cluster of three nats-servers', () => {
  test('each server is killed in turn under a stream of writes: it flows on, nobody is taken for dead, and every acknowledged write is there', async () => {
    await using servers = await nats.startCluster()
    await using cluster = await TestCluster.start({ nats: servers.urls.join(',') })
    onTestFailed(() => console.error(cluster.logs()))
    const urls = cluster.ids.map((id) => cluster.url(id))
    const stream = new WriteStream({ urls: () => urls })
    const flowsOn = async (when: string): Promise<void> => {
      const before = stream.acknowledged
      await until(`the stream flows ${when}`, () => stream.acknowledged > before + 100)
    }
    const dead = async (): Promise<number[]> =>
      Promise.all(
        urls.map(async (url) => {
          const text = await (await fetch(`${url}/metrics`)).text()
          expect(text).toMatch(/^dsys_membership_members\{state="alive"\} \d/m)
          return Number(/^dsys_membership_members{state="dead"} (\d+)/m.exec(text)?.[1] ?? 0)
        }),
      )
    await flowsOn('at first')
    for (const [i, server] of servers.servers.entries()) {
      await server.kill()
      await flowsOn(`without server ${i}`)
      expect(await dead()).toEqual([0, 0, 0])
      await server.restart()
      await servers.whole()
    }
    await stream.stop()
    await cluster.formed()
    expect(await dead()).toEqual([0, 0, 0])
    expect(await auditWrites(stream, urls)).toEqual([])
  })
})

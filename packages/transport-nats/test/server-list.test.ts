import { SeededRandom } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { ServerList } from '../src/server-list.ts'

const list = (servers: readonly string[], tls?: { ca: string }): ServerList =>
  new ServerList({ servers, tls }, new SeededRandom(1))
const told = (server: string, discoveredServers: readonly string[], encrypted = false) => ({
  server,
  discoveredServers,
  encrypted,
})

test('nodes spread: each server is first at times', () => {
  const servers = list(['a:1', 'b:1', 'c:1'])
  const first = new Set(Array.from({ length: 50 }, () => servers.inRandomOrder()[0]))
  expect(first.size).toBe(3)
})

test('the server that was lost comes last, until another one has taken its place', () => {
  const servers = list(['a:1', 'b:1', 'c:1'])
  servers.lost(told('b:1', []))
  for (let i = 0; i < 20; i++) expect(servers.inRandomOrder().at(-1)).toBe('b:1')
  servers.connected(told('a:1', []))
  expect(new Set(Array.from({ length: 50 }, () => servers.inRandomOrder().at(-1))).size).toBe(3)
})

test('servers of which others tell are known, also when nobody tells of them any more; and there are not too many', () => {
  const servers = list(['a:1'])
  servers.connected(told('a:1', ['a:1', 'b:1']))
  servers.lost(told('a:1', ['a:1']))
  expect(servers.inRandomOrder()).toEqual(['b:1', 'a:1'])
  for (let i = 0; i < 100; i++) servers.connected(told('a:1', [`x${i}:1`, `y${i}:1`]))
  expect(servers.inRandomOrder()).toHaveLength(1 + 2 + 64)
})

test('a server known by its number alone must have the name by which the cluster is configured', () => {
  const tls = { ca: 'x' }
  const named = list(['10.0.0.1:4222', 'nats.example:4222'], tls)
  expect(named.tlsTo('10.0.0.7:4222')).toEqual({ servername: 'nats.example', ca: 'x' })
  expect(named.tlsTo('[::1]:4222')).toEqual({ servername: 'nats.example', ca: 'x' })
  for (const server of ['nats.example:4222', 'other.example:4222']) expect(named.tlsTo(server)).toBe(tls)
  expect(named.tlsTo('10.0.0.1:4222')).toEqual({ host: '10.0.0.1', ca: 'x' })
  expect(list(['10.0.0.1:4222'], tls).tlsTo('[fd00::7]:4222')).toEqual({ host: 'fd00::7', ca: 'x' })
  const plain = list(['nats.example:4222'])
  expect(plain.tlsTo('10.0.0.7:4222')).toBeUndefined()
  plain.connected(told('nats.example:4222', [], true))
  expect(plain.tlsTo('10.0.0.7:4222')).toEqual({ servername: 'nats.example' })
})

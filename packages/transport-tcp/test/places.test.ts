import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { nodeNetwork, type TcpDirectory, type TcpNetwork } from '../src/index.ts'
import { Relay, reached, startNode, type TestNode, until } from './rig.ts'

/** Where somebody has listened, and nobody does now. */
async function deserted(): Promise<string> {
  await using gone = await startNode({ nodeId: 'gone' })
  return gone.address
}

const absences = (node: TestNode): number => node.events.filter(({ type }) => type === 'peer-absent').length

/** The network of Node.js, which keeps to which ports somebody has dialled. */
function noting(): { readonly network: TcpNetwork; readonly ports: number[] } {
  const ports: number[] = []
  const dial: TcpNetwork['dial'] = (address) => {
    ports.push(address.port)
    return nodeNetwork.dial(address)
  }
  return { network: { ...nodeNetwork, dial }, ports }
}

describe('a peer with several places', () => {
  test('is found at whichever it is, at once and with the frame that asked for it, and at that one first the next time', async () => {
    const places = [await deserted(), await deserted()]
    await using other = await startNode({ nodeId: 'other' })
    await using b = await startNode({ nodeId: 'b' })
    await using relay = await Relay.to(b.address)
    const { network, ports } = noting()
    const last = { minReconnectWaitMs: 5_000, maxReconnectWaitMs: 5_000 }
    const peers = { b: [...places, other.address, relay.address] }
    await using a = await startNode({ nodeId: 'a', peers, ...last }, { network })
    a.send('b', [7])
    await until('the frame', () => b.inbox.length > 0)
    const all = peers.b.map((place) => Number(place.split(':')[1]))
    expect([b.inbox[0]?.frame[0], ports, absences(a)]).toEqual([7, all, 0])
    relay.cut()
    await until('the loss', () => a.said('lost the connection to a peer').length > 0)
    a.transport.setPeers(peers)
    await reached(a, b)
    expect(ports.slice(all.length)).toEqual([all[3]])
  })

  test('that is at none of them is absent, once for each frame', async () => {
    await using a = await startNode({ nodeId: 'a', peers: { b: [await deserted(), await deserted()] } })
    a.send('b')
    await until('the report', () => absences(a) > 0)
    await new Promise(setImmediate)
    expect(absences(a)).toBe(1)
  })

  test('is not absent where one of them says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const place = `127.0.0.1:${(silent.address() as { port: number }).port}`
    const peers = { b: [place, await deserted()] }
    await using a = await startNode({ nodeId: 'a', peers, connectTimeoutMs: 40 })
    a.send('b')
    await until('the drop', () => a.count('frames_dropped_total') === 1)
    await new Promise(setImmediate)
    expect(absences(a)).toBe(0)
    silent.close()
  })

  test('is asked in its later life where an earlier one is still to be found', async () => {
    await using earlier = await startNode({ nodeId: 'b', generation: 1 })
    await using later = await startNode({ nodeId: 'b', generation: 2 })
    const places = new Map([['b', later.address]])
    await using relay = await Relay.to(later.address)
    places.set('b', relay.address)
    await using a = await startNode({ nodeId: 'a', peers: places })
    await reached(a, later)
    relay.cut()
    a.transport.setPeers({ b: [earlier.address, later.address] })
    await reached(a, later)
    expect(earlier.inbox).toEqual([])
  })
})

describe('a directory', () => {
  test('is asked for each attempt and each broadcast, and what it learns counts at once', async () => {
    const places = new Map<string, string[]>()
    const directory: TcpDirectory = { ids: () => places.keys(), find: (id) => places.get(id) }
    await using a = await startNode({ nodeId: 'a', peers: directory })
    expect(a.transport.capabilities.broadcast).toBe(true)
    a.send('b')
    await until('the report', () => absences(a) === 1)
    await using b = await startNode({ nodeId: 'b' })
    places.set('b', ['nonsense', b.address])
    a.transport.broadcast('test', Uint8Array.of(9))
    await until('the broadcast', () => b.inbox.length > 0)
    expect(a.said('the address of a peer is none')).toHaveLength(1)
    expect(() => a.transport.setPeers(() => undefined)).toThrow(RangeError)
    a.transport.setPeers({ b: b.address })
  })

  test('that throws knows nobody just then, and breaks neither send nor a broadcast', async () => {
    await using b = await startNode({ nodeId: 'b' })
    let isBroken = true
    const told = <T>(value: T): T => {
      if (isBroken) throw new Error('a defect of the directory')
      return value
    }
    const directory: TcpDirectory = { ids: () => told(['b']), find: () => told(b.address) }
    await using a = await startNode({ nodeId: 'a', peers: directory })
    expect([a.send('b'), a.transport.broadcast('test', Uint8Array.of(1))]).toEqual([true, true])
    await until('the report', () => absences(a) === 1)
    expect(a.said('the directory of the peers has failed')).toMatchObject([
      { level: 'error', why: 'Error: a defect of the directory' },
    ])
    isBroken = false
    await reached(a, b)
  })

  test('a table with a place that is none is refused, also beside good ones', async () => {
    await using a = await startNode({ nodeId: 'a' })
    expect(() => a.transport.setPeers({ b: ['127.0.0.1:1', 'nonsense'] })).toThrow(RangeError)
  })
})

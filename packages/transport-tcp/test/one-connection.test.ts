import { describe, expect, test } from 'vitest'
import { type Claim, judge, type Life, type Standing } from '../src/one-connection.ts'

const life = (generation: number, process = 1): Life => ({ generation, instance: Uint8Array.of(process) })
const claim = (generation: number, dial: number, process = 1): Claim => ({ ...life(generation, process), dial })
const standing = (over: Partial<Standing> = {}): Standing => ({
  self: 'a',
  peer: 'b',
  latest: undefined,
  established: undefined,
  confirmed: undefined,
  ...over,
})

describe('a claim is', () => {
  const connected = standing({ latest: life(5), established: { ...life(5), dials: 3 } })
  test.each([
    ['accepted where nothing stands', claim(1, 1), standing(), 'accept'],
    ['accepted in the place of our own dial that is not confirmed', claim(1, 1), standing(), 'accept'],
    [
      'refused by the lower node that has confirmed its own',
      claim(1, 1),
      standing({ confirmed: life(1) }),
      'duplicate',
    ],
    ['accepted by the higher node', claim(1, 1), standing({ self: 'c', confirmed: life(1) }), 'accept'],
    ['accepted of another life than the one we confirmed to', claim(2, 1), standing({ confirmed: life(1) }), 'accept'],
    ['refused when it began before what stands', claim(5, 3), connected, 'duplicate'],
    ['taken in the place of what the peer has lost', claim(5, 4), connected, 'replace'],
    ['taken from a later life', claim(6, 1), connected, 'replace'],
    ['refused from an earlier life, M-09', claim(4, 9), connected, 'stale'],
    ['refused from an earlier life when none is connected, M-09', claim(4, 9), standing({ latest: life(5) }), 'stale'],
    ['refused from a second process with one id and generation, M-12', claim(5, 9, 2), connected, 'conflict'],
    ['taken from a process that has its generation again', claim(5, 1, 2), standing({ latest: life(5) }), 'accept'],
  ])('%s', (_what, given, stands, verdict) => {
    expect(judge(given, stands)).toBe(verdict)
  })
})

// Two nodes that dial each other, message by message, in every order that a network can give.

type Message =
  | { readonly type: 'hello' | 'welcome' | 'confirm' | 'refuse' | 'close' }
  | { readonly type: 'ready'; readonly dials: number }

interface Wire {
  readonly by: number
  readonly dial: number
  /** What is under way to each node. */
  readonly to: [Message[], Message[]]
}

interface NodeState {
  dials: number
  /** The wire of the dial that has not ended, and whether the confirmation has left. */
  dial: { readonly wire: number; confirmed: boolean } | undefined
  established: { readonly wire: number; readonly dials: number } | undefined
}

interface World {
  readonly wires: Wire[]
  readonly nodes: [NodeState, NodeState]
}

const NAMES = ['a', 'b'] as const
const MOST_DIALS = 3

const nodeOf = (world: World, at: number): NodeState => world.nodes[at] as NodeState
const wireOf = (world: World, index: number): Wire => world.wires[index] as Wire
const send = (world: World, wire: number, to: number, message: Message): void =>
  void wireOf(world, wire).to[to]?.push(message)

function dial(world: World, at: number): void {
  const node = nodeOf(world, at)
  if (node.dial !== undefined || node.established !== undefined || node.dials === MOST_DIALS) return
  node.dials++
  world.wires.push({ by: at, dial: node.dials, to: [[], []] })
  node.dial = { wire: world.wires.length - 1, confirmed: false }
  send(world, world.wires.length - 1, 1 - at, { type: 'hello' })
}

/** Ends a wire on this side: what was under way to it is gone, the other side hears of it behind what is under way there. */
function close(world: World, wire: number, at: number): void {
  wireOf(world, wire).to[at]?.splice(0)
  send(world, wire, 1 - at, { type: 'close' })
}

function establish(world: World, at: number, wire: number, dials: number): void {
  const node = nodeOf(world, at)
  const own = node.dial
  node.dial = undefined
  if (own !== undefined && own.wire !== wire) close(world, own.wire, at)
  if (node.established !== undefined) close(world, node.established.wire, at)
  node.established = { wire, dials }
}

function confirm(world: World, at: number, wire: number): void {
  const node = nodeOf(world, at)
  const verdict = judge(
    { ...life(1), dial: wireOf(world, wire).dial },
    standing({
      self: NAMES[at] as string,
      peer: NAMES[1 - at] as string,
      established: node.established && { ...life(1), dials: node.established.dials },
      confirmed: node.dial?.confirmed === true ? life(1) : undefined,
    }),
  )
  if (verdict === 'accept' || verdict === 'replace') {
    send(world, wire, 1 - at, { type: 'ready', dials: node.dials })
    establish(world, at, wire, wireOf(world, wire).dial)
  } else send(world, wire, 1 - at, { type: 'refuse' })
}

function deliver(world: World, wire: number, at: number): void {
  const node = nodeOf(world, at)
  const message = wireOf(world, wire).to[at]?.shift()
  const isOwnDial = node.dial?.wire === wire
  switch (message?.type) {
    case 'hello':
      send(world, wire, 1 - at, { type: 'welcome' })
      break
    case 'welcome':
      if (node.dial === undefined || !isOwnDial) break
      node.dial = { wire, confirmed: true }
      send(world, wire, 1 - at, { type: 'confirm' })
      break
    case 'confirm':
      confirm(world, at, wire)
      break
    case 'ready':
      if (isOwnDial) establish(world, at, wire, message.dials)
      break
    default:
      // Refused, or closed by the other side.
      if (isOwnDial) node.dial = undefined
      if (node.established?.wire === wire) node.established = undefined
      dial(world, at)
  }
}

/** Every world that has come to rest. */
function explore(start: World, check: (world: World) => void): number {
  const seen = new Set<string>()
  const stack = [start]
  let ends = 0
  for (let world = stack.pop(); world !== undefined; world = stack.pop()) {
    const key = JSON.stringify(world)
    if (seen.has(key)) continue
    seen.add(key)
    const moves = world.wires.flatMap((wire, index) =>
      [0, 1].filter((at) => (wire.to[at] ?? []).length > 0).map((at) => [index, at]),
    )
    if (moves.length === 0) {
      ends++
      check(world)
    }
    for (const [wire = 0, at = 0] of moves) {
      const next = structuredClone(world)
      deliver(next, wire, at)
      stack.push(next)
    }
  }
  return ends
}

const freshNode = (): NodeState => ({ dials: 0, dial: undefined, established: undefined })

describe('in every order of all messages', () => {
  const expectOne = (world: World): void => {
    const [a, b] = world.nodes
    expect(a.established?.wire, JSON.stringify(world)).toBeDefined()
    expect(a.established?.wire, JSON.stringify(world)).toBe(b.established?.wire)
    expect([a.dial, b.dial]).toEqual([undefined, undefined])
  }

  test('two nodes that dial each other at once keep one connection, the same', () => {
    const world: World = { wires: [], nodes: [freshNode(), freshNode()] }
    for (const at of [0, 1]) dial(world, at)
    let dials = 0
    const ends = explore(world, (end) => {
      expectOne(end)
      dials = Math.max(dials, end.nodes[0].dials + end.nodes[1].dials)
    })
    expect(ends).toBeGreaterThan(1)
    expect(dials).toBeLessThanOrEqual(4)
  })

  test.each([0, 1])('node %i has lost the connection and the other may not know yet: they keep one again', (loser) => {
    const world: World = { wires: [{ by: 0, dial: 1, to: [[], []] }], nodes: [freshNode(), freshNode()] }
    world.nodes[0] = { dials: 1, dial: undefined, established: { wire: 0, dials: 0 } }
    world.nodes[1] = { dials: 0, dial: undefined, established: { wire: 0, dials: 1 } }
    const node = nodeOf(world, loser)
    node.established = undefined
    close(world, 0, loser)
    dial(world, loser)
    expect(explore(world, expectOne)).toBeGreaterThan(0)
  })
})

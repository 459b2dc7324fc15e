import { expect, test } from 'vitest'
import {
  createMaglev,
  createPartitionTable,
  createRing,
  type FollowedEvent,
  type FollowedMember,
  followMembers,
  type MemberSource,
  ringFrom,
} from '../src/index.ts'

const member = (
  id: string,
  metadata: Record<string, string> = {},
  tags: Record<string, string> = {},
): FollowedMember => ({
  id,
  metadata,
  tags,
})

const source = (events: readonly FollowedEvent[]): MemberSource => ({
  async *events() {
    yield* events
  },
})

async function nodesAfter(events: readonly FollowedEvent[]): Promise<string[]> {
  const seen: string[] = []
  for await (const { placement } of ringFrom(source(events))) {
    seen.push(
      placement.nodes.map(({ id, weight, zone }) => `${id}*${weight}${zone === undefined ? '' : `@${zone}`}`).join(' '),
    )
  }
  return seen
}

test('gives one ring of all members, then one for each event that changes it', async () => {
  const seen = await nodesAfter([
    { type: 'MemberUp', member: member('n1', { zone: 'a', weight: '2' }) },
    { type: 'MemberUp', member: member('n2', { zone: 'a' }, { zone: 'b', weight: '0.5' }) },
    { type: 'Synced' },
    { type: 'MemberSuspected', member: member('n1') },
    { type: 'MemberUpdated', member: member('n1', { zone: 'a', weight: '2', address: 'x' }) },
    { type: 'ViewStale', member: member('n2') },
    { type: 'MemberUp', member: member('n3') },
    { type: 'MemberUpdated', member: member('n1', { zone: 'c', weight: '2' }) },
    { type: 'MemberLeft', member: member('n2') },
    { type: 'MemberDown', member: member('n1') },
    { type: 'MemberLeft', member: member('n1') },
  ])
  expect(seen).toEqual(['n1*2@a n2*0.5@b', 'n1*2@a n2*0.5@b n3*1', 'n1*2@c n2*0.5@b n3*1', 'n1*2@c n3*1', 'n3*1'])
})

test('leaves out who says no sound weight, and takes him when he does', async () => {
  const seen = await nodesAfter([
    { type: 'MemberUp', member: member('n1', { weight: '-1' }) },
    { type: 'MemberUp', member: member('n2', { weight: '1e9' }) },
    { type: 'MemberUp', member: member('n3', { weight: '0' }) },
    { type: 'Synced' },
    { type: 'MemberUpdated', member: member('n1', { weight: '1', zone: '' }) },
    { type: 'MemberUpdated', member: member('n1', { weight: 'much' }) },
  ])
  expect(seen).toEqual(['', 'n1*1', ''])
})

test('follows with any strategy without a history, says what moves, and passes the signal on', async () => {
  const events = [
    { type: 'Synced' },
    { type: 'MemberUp', member: member('n1') },
    { type: 'MemberUp', member: member('n2') },
  ]
  const { signal } = new AbortController()
  let passed: AbortSignal | undefined
  const members: MemberSource = {
    events(options) {
      passed = options.signal
      return source(events).events(options)
    },
  }
  const describe = (one: FollowedMember): { weight: number } => ({ weight: one.id === 'n1' ? 1 : 3 })
  const changes = []
  for await (const change of followMembers(members, createMaglev({ nodes: {}, slots: 401 }), { signal, describe }))
    changes.push(change)
  expect(passed).toBe(signal)
  expect(changes.map((change) => change.placement.nodes.length)).toEqual([0, 1, 2])
  expect(changes[1]?.diff.movedShare).toBe(1)
  expect(changes[2]?.diff.movedShare).toBeCloseTo(0.75, 1)
  expect(changes[2]?.previous.nodes.length).toBe(1)
})

test('what the source throws reaches the follower', async () => {
  const failing: MemberSource = {
    async *events() {
      yield { type: 'Synced' }
      throw new Error('lagged')
    },
  }
  await expect(async () => {
    for await (const { placement } of followMembers(failing, createRing({ nodes: { fixed: 1 } }))) {
      expect(placement.has('fixed')).toBe(true)
    }
  }).rejects.toThrow('lagged')
})

test('a partition table follows nobody', async () => {
  await expect(followMembers(source([]), createPartitionTable({ nodes: {} })).next()).rejects.toThrow(RangeError)
})

import { describe, expect, test } from 'vitest'
import { simpleConfiguration } from '../src/core/configuration.ts'
import { Progress } from '../src/core/progress.ts'
import type { FollowerStatus } from '../src/status.ts'
import { successorOf } from '../src/successor.ts'

const ELECTION_TIMEOUT_MS = 1_000

/** How a leader of voters n1 to n4, of which n4 is a witness, and the learner n5 sees one of them. */
const follower = (id: string, matchIndex: number, more: Partial<FollowerStatus> = {}): FollowerStatus => ({
  id,
  state: 'replicate',
  matchIndex,
  lastHeardMs: 50,
  phi: 0,
  reachable: true,
  ...more,
})

function chosen(followers: readonly FollowerStatus[], mending: readonly string[] = []): string | undefined {
  const progress = new Map(followers.map(({ id }) => [id, new Progress(1, 0)]))
  for (const id of mending) (progress.get(id) as Progress).mending = true
  const configuration = simpleConfiguration(['n1', 'n2', 'n3', 'n4'], ['n5'])
  const core = { configuration: { index: 1, configuration }, isWitness: (id: string) => id === 'n4', progress }
  return successorOf(core, followers, ELECTION_TIMEOUT_MS)
}

describe('a leader that hands over to nobody by name', () => {
  test('takes the voter with the most of the log: no learner and no witness, which could not lead', () => {
    expect(chosen([follower('n2', 7), follower('n3', 8), follower('n4', 9), follower('n5', 9)])).toBe('n3')
    expect(chosen([follower('n4', 9), follower('n5', 9)])).toBeUndefined()
  })

  test('takes nobody who was silent for an election timeout, and one that never had the time to answer', () => {
    const silent = { lastHeardMs: ELECTION_TIMEOUT_MS + 1 }
    expect(chosen([follower('n2', 7, { lastHeardMs: undefined }), follower('n3', 8, silent)])).toBe('n2')
    expect(chosen([follower('n2', 7, silent), follower('n3', 8, silent)])).toBeUndefined()
  })

  test('takes one that seems to be gone last, whatever it has of the log', () => {
    const gone = { lastHeardMs: 500, phi: 9, reachable: false }
    expect(chosen([follower('n2', 8, gone), follower('n3', 7)])).toBe('n3')
    expect(chosen([follower('n2', 8, gone), follower('n5', 8)])).toBe('n2')
  })

  test('takes nobody who has lost entries (P-40): the core would refuse it, and there may be another', () => {
    const gone = { lastHeardMs: 500, phi: 9, reachable: false }
    expect(chosen([follower('n2', 8), follower('n3', 7)], ['n2'])).toBe('n3')
    expect(chosen([follower('n2', 8), follower('n3', 8, gone)], ['n2'])).toBe('n3')
    expect(chosen([follower('n2', 8)], ['n2'])).toBeUndefined()
  })
})

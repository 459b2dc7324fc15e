import { RAFT_DEFAULTS, type RaftOptions } from '@dsys/raft'
import { describe, expect, test } from 'vitest'
import { frameLimits, resolveOptions } from '../src/resolve-options.ts'

const GIVEN = { id: 'n1', group: 'orders', voters: ['n1', 'n2', 'n3'] }

test('what is not said, or said to be undefined, is the default', () => {
  const given = { ...GIVEN, maxPending: undefined } as unknown as RaftOptions
  expect(resolveOptions(given)).toEqual({ ...RAFT_DEFAULTS, ...GIVEN })
  expect(resolveOptions({ ...GIVEN, electionTimeoutMs: 450.5, heartbeatIntervalMs: 150 })).toMatchObject({
    electionTimeoutMs: 450.5,
  })
  expect(resolveOptions({ id: 'n1', group: 'orders' }).voters).toEqual([])
})

test('a witness keeps little of the log, whatever is said of snapshots', () => {
  const witness = { id: 'w', group: 'orders', witness: true }
  expect(resolveOptions(witness)).toMatchObject({ snapshotEveryBytes: 4_096 * 32, keepEntries: 1_024 })
  expect(resolveOptions({ ...witness, snapshotEveryBytes: 100, keepEntries: 5 })).toMatchObject({
    snapshotEveryBytes: 100,
    keepEntries: 5,
  })
})

test('later changes of what was given change nothing', () => {
  const voters = ['n1', 'n2', 'n3']
  const resolved = resolveOptions({ ...GIVEN, voters })
  voters.pop()
  expect(resolved.voters).toEqual(['n1', 'n2', 'n3'])
  expect(Object.isFrozen(resolved) && Object.isFrozen(resolved.voters)).toBe(true)
})

describe('a RangeError names the option that cannot be', () => {
  const wrong: readonly [says: string, options: Record<string, unknown>][] = [
    ['id', { id: '' }],
    ['group', { group: 'Orders' }],
    ['group', { group: 'g'.repeat(49) }],
    ['voters', { voters: 'n1' as never }],
    ['voters', { voters: ['n1', 'n1'] }],
    ['voters', { voters: ['n2', 'n3'] }],
    ['voters', { voters: ['n1', ''] }],
    ['voters', { voters: ['n1', 'n'.repeat(129)] }],
    ['voters', { voters: ['n1', 'n\ud800', 'n\ud801'] }],
    ['electionTimeoutMs', { electionTimeoutMs: 299, heartbeatIntervalMs: 100 }],
    ['electionTimeoutMs', { electionTimeoutMs: Number.POSITIVE_INFINITY }],
    ['heartbeatIntervalMs', { heartbeatIntervalMs: 0 }],
    ['heartbeatIntervalMs', { heartbeatIntervalMs: '100' }],
    ['maxPending', { maxPending: 1.5 }],
    ['maxCommandBytes', { maxCommandBytes: -1 }],
    ['maxPendingBytes', { maxPendingBytes: 1.5 }],
    ['maxPendingBytes', { maxPendingBytes: 511 * 1_024 }],
    ['maxPendingBytes', { maxPendingBytes: 999, maxCommandBytes: 1_000 }],
    ['keepEntries', { keepEntries: Number.NaN }],
    ['repairFromPeers', { repairFromPeers: 1 }],
    ['witness', { witness: 1 }],
    ['witness', { witness: true }],
  ]
  for (const [says, options] of wrong) {
    test(JSON.stringify(options), () => {
      const resolve = (): unknown => resolveOptions({ ...GIVEN, ...options } as unknown as RaftOptions)
      expect(resolve).toThrow(RangeError)
      expect(resolve).toThrow(says)
    })
  }
})

test('the frame of the transport limits commands, appends and chunks, and must hold a little', () => {
  const options = resolveOptions(GIVEN)
  const { maxCommandBytes, maxAppendBytes } = frameLimits(options, 64 * 1_024)
  expect(maxCommandBytes).toBe(maxAppendBytes)
  expect(maxCommandBytes).toBeGreaterThan(63 * 1_024)
  expect(frameLimits(options, 8 * 1_024 * 1_024)).toMatchObject({
    maxCommandBytes: 512 * 1_024,
    maxAppendBytes: 256 * 1_024,
  })
  expect(() => frameLimits(options, 1_024)).toThrow(/maxFrameBytes \(1024\)/)
})

import { SeededRandom } from '@dsys/runtime'
import type { GroupLog, HardState, LogEntry, RecoveredLog } from '@dsys/storage'
import { describe, expect, test } from 'vitest'
import { CONFIGURATION_KIND, simpleConfiguration, withPins } from '../src/core/configuration.ts'
import { encodeConfiguration } from '../src/core/configuration-codec.ts'
import { identityOf } from '../src/identity.ts'

const random = (): SeededRandom => new SeededRandom(1)

/** A log that was found so, and what was written to it. */
function logOf(recovered: Partial<RecoveredLog>): {
  readonly log: GroupLog
  readonly written: (HardState | undefined)[]
} {
  const written: (HardState | undefined)[] = []
  const found = { hardState: { term: 3, votedFor: 'n2' }, snapshot: undefined, entries: [], ...recovered }
  const persist: GroupLog['persist'] = async ({ hardState }) => void written.push(hardState)
  return { log: { recovered: found, persist } as unknown as GroupLog, written }
}

describe('P-30: the incarnation of a node', () => {
  test('is drawn where the log has none, stored with term and vote, and kept from then on', async () => {
    const { log, written } = logOf({})
    const { incarnation, stored } = identityOf(log, 'n1', random(), 1)
    await stored
    expect(incarnation).toBeGreaterThan(0)
    expect(incarnation).toBeLessThan(2 ** 48)
    expect(written).toEqual([{ term: 3, votedFor: 'n2', incarnation }])
    const again = logOf({ hardState: { term: 3, votedFor: 'n2', incarnation } })
    expect(identityOf(again.log, 'n1', random(), 2)).toEqual({ incarnation, stored: undefined })
    expect(again.written).toEqual([])
  })

  test('differs between two lives that draw the same', () => {
    const drawn = [1, 2].map((generation) => identityOf(logOf({}).log, 'n1', random(), generation).incarnation)
    expect(drawn[0]).not.toBe(drawn[1])
  })

  test('is the one that the group knows, where an earlier version has written the log in between', () => {
    const data = encodeConfiguration(withPins(simpleConfiguration(['n1', 'n2']), [['n1', 77]]))
    const entries: LogEntry[] = [{ index: 1, term: 1, kind: CONFIGURATION_KIND, data }]
    expect(identityOf(logOf({ entries }).log, 'n1', random(), 1).incarnation).toBe(77)
    expect(identityOf(logOf({ entries }).log, 'n2', random(), 1).incarnation).not.toBe(77)
  })

  test('does not hide that the log has lost entries (P-40)', () => {
    const lost = { fromIndex: 2, throughIndex: 5, term: 3, file: 'f', offset: 0, what: 'a hole' }
    const { log, written } = logOf({ lost })
    identityOf(log, 'n1', random(), 1)
    expect(written).toMatchObject([{ abstention: { throughIndex: 5, term: 3 } }])
  })
})

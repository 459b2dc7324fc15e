import { expect, test } from 'vitest'
import { targetOf } from '../../src/scenarios/kv/member-changes.ts'

test('a change of the members names nobody twice, also amid a joint configuration, where a voter may be about to become a learner', () => {
  const now = { voters: ['n1', 'n4', 'n5'], learners: ['n4', 'n3'], leader: 'n1' }
  const targets = ['add', 'remove', 'learn', 'replace', 'drop-leader', 'demote-leader'].map((change) =>
    targetOf(change, 'n2', now),
  )
  expect(targets).toEqual([
    { voters: ['n1', 'n4', 'n5', 'n2'], learners: ['n3'] },
    { voters: ['n1', 'n4', 'n5'], learners: ['n3'] },
    { voters: ['n1', 'n4', 'n5'], learners: ['n3', 'n2'] },
    { voters: ['n4', 'n5', 'n2'], learners: ['n3'] },
    { voters: ['n4', 'n5'], learners: ['n3'] },
    { voters: ['n4', 'n5'], learners: ['n3', 'n1'] },
  ])
})

test('a change that would leave no voter is none', () => {
  const alone = { voters: ['n1'], learners: ['n2'], leader: 'n1' }
  for (const change of ['remove', 'drop-leader', 'demote-leader']) expect(targetOf(change, 'n1', alone)).toBeUndefined()
})

import type { Member, MemberExplanation, MemberFilter, MembershipStatus, MembershipTopology } from '@dsys/membership'
import type { MembershipView } from '../src/http/membership-routes.ts'

const member = (id: string, state: Member['state']): Member => ({
  ...{ id, generation: 3, incarnation: 0, state, sinceMs: 0 },
  ...{ metadata: {}, roles: ['worker'], capabilities: ['kv/1'], tags: { zone: 'a' } },
})

/** Says the same to everybody, and notes by what members were chosen. */
export function fakeMembership(): MembershipView & { readonly asked: MemberFilter[] } {
  const asked: MemberFilter[] = []
  const members = [member('n1', 'alive'), member('n2', 'dead')]
  return {
    asked,
    members: (filter = {}): Member[] => {
      asked.push(filter)
      return members
    },
    explain: (id): MemberExplanation => {
      const message = 'It was declared dead.'
      const dead = {
        code: 'declared-dead',
        subject: 'removal',
        message,
        evidence: { agoMs: 7 },
        hint: 'Start it.',
      } as const
      const findings = id === 'n2' ? [dead] : []
      return { id, member: members.find((one) => one.id === id), findings, incidents: [], text: `of ${id}` }
    },
    status: (): MembershipStatus => ({
      conflicts: [],
      removedSinceMs: undefined,
      alerts: [],
      localHealth: { multiplier: 1, maxMultiplier: 8, because: 'healthy' },
      view: {
        state: 'stale',
        sinceMs: 5,
        forMs: 2,
        because: 'nobody-answers',
        why: 'none of the 2 asked last has answered',
      },
    }),
    topology: (): MembershipTopology => {
      return { id: 'n1', probes: ['n2'], probing: [], helping: [], probedBy: [], suspicions: [], observed: [] }
    },
  }
}

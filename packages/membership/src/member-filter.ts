import type { MemberState } from './core/record.ts'
import type { Member } from './events.ts'

/** Which members are meant: those of whom all that is given holds. */
export interface MemberFilter {
  /** The state, or one of them. */
  readonly state?: MemberState | readonly MemberState[]
  /** A role that it has. */
  readonly role?: string
  /** A capability that it has. */
  readonly capability?: string
  /** Tags that it has, each with this value. */
  readonly tags?: Readonly<Record<string, string>>
}

export function matches(member: Member, { state, role, capability, tags }: MemberFilter): boolean {
  if (state !== undefined && (typeof state === 'string' ? member.state !== state : !state.includes(member.state)))
    return false
  if (role !== undefined && !member.roles.includes(role)) return false
  if (capability !== undefined && !member.capabilities.includes(capability)) return false
  const wanted = Object.entries(tags ?? {})
  return wanted.every(([name, value]) => Object.hasOwn(member.tags, name) && member.tags[name] === value)
}

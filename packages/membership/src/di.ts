import { type Module, type Token, token } from '@dsys/di'
import { CLOCK, LOGGER, METER, RANDOM } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { Membership } from './membership.ts'
import type { MembershipOptions } from './options.ts'

/** Who is in the cluster. */
export const MEMBERSHIP: Token<Membership> = token('dsys.Membership')

/** Registers the membership of the node. Needs the runtime ports and a transport. */
export function membership(options: MembershipOptions): Module {
  return (scope) => {
    scope.register(
      MEMBERSHIP,
      (parts) =>
        new Membership(
          {
            clock: parts.get(CLOCK),
            random: parts.get(RANDOM),
            logger: parts.get(LOGGER),
            meter: parts.get(METER),
            transport: parts.get(TRANSPORT),
          },
          options,
        ),
    )
  }
}

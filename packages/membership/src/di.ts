import { type Module, type Token, token } from '@dsys/di'
import { CLOCK, LOGGER, METER, RANDOM } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { Membership } from './membership.ts'
import type { MembershipOptions } from './options.ts'
import type { PeerStorage } from './peer-memory.ts'

/** Who is in the cluster. */
export const MEMBERSHIP: Token<Membership> = token('dsys.Membership')

/**
 * Registers the membership of the node. Needs the runtime ports and a transport.
 *
 * @param more `peers` is the token of the storage that remembers them over restarts, as `STATE_STORAGE` of `@dsys/storage/di`. Default: none.
 */
export function membership(options: MembershipOptions, more: { readonly peers?: Token<PeerStorage> } = {}): Module {
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
            ...(more.peers === undefined ? {} : { peers: parts.get(more.peers) }),
          },
          options,
        ),
    )
  }
}

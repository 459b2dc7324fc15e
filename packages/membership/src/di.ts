import { type Module, type NodeScope, type Token, token } from '@dsys/di'
import { CLOCK, LOGGER, METER, RANDOM } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { Membership } from './membership.ts'
import type { MembershipOptions } from './options.ts'
import type { PeerStorage } from './peer-memory.ts'
import { type SplitBrainOptions, SplitBrainResolver } from './resolver/split-brain-resolver.ts'

/** Who is in the cluster. */
export const MEMBERSHIP: Token<Membership> = token('dsys.Membership')

/** Whether this side of a split cluster goes on. */
export const SPLIT_BRAIN_RESOLVER: Token<SplitBrainResolver> = token('dsys.SplitBrainResolver')

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

/**
 * Registers the split-brain resolver of the node. Needs the runtime ports, a transport and the membership.
 *
 * @param options a function of the scope where the strategy needs a part of it, as a lease on a keyspace does.
 */
export function splitBrainResolver(options: SplitBrainOptions | ((scope: NodeScope) => SplitBrainOptions)): Module {
  return (scope) => {
    scope.register(SPLIT_BRAIN_RESOLVER, (parts) => {
      const { id } = parts.get(TRANSPORT).self
      const chosen = typeof options === 'function' ? options(parts) : options
      const [clock, logger] = [parts.get(CLOCK), parts.get(LOGGER)]
      return new SplitBrainResolver({ clock, logger, membership: parts.get(MEMBERSHIP), self: id }, chosen)
    })
  }
}

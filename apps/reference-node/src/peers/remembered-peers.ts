import { type Module, type Token, token } from '@dsys/di'
import type { PeerStorage } from '@dsys/membership'
import { MEMBERSHIP } from '@dsys/membership/di'
import { nodeDisk } from '@dsys/storage-file'
import type { AddressBook } from './address-book.ts'
import { PeerFile } from './peer-file.ts'

/** Where the membership remembers the other nodes over restarts. */
export const PEER_STORAGE: Token<PeerStorage> = token('reference-node.PeerStorage')
/** Where the other nodes listen over TCP. */
export const ADDRESS_BOOK: Token<AddressBook> = token('reference-node.AddressBook')

/** Registers both, over a file in the folder of the node. `book` may be in use before: what it learns counts from then on. */
export function rememberedPeers(options: { readonly directory: string; readonly book: AddressBook }): Module {
  const { directory, book } = options
  return (scope) => {
    scope.register(PEER_STORAGE, () => book.over(new PeerFile(nodeDisk(directory))))
    scope.register(ADDRESS_BOOK, (parts) => book.follow(parts.get(MEMBERSHIP)))
  }
}

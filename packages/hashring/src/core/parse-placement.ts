import { PlacementFormatError } from '../errors.ts'
import type { PlacementHash } from '../options.ts'
import type { Placement } from '../placement.ts'
import { BoundedLoadPlacement, checkShape } from './bounded-load.ts'
import { assertHash, nodesField, numberField, parseContent, strategyOf, withinLimits } from './format.ts'
import { jumpOf } from './jump.ts'
import { KetamaRing, ketamaHash } from './ketama.ts'
import { checkSlots, MaglevPlacement } from './maglev.ts'
import { murmur3 } from './murmur3.ts'
import { RendezvousPlacement } from './rendezvous.ts'
import { ringFromContent } from './ring.ts'
import { tableFromContent } from './table/partition-table.ts'

/**
 * Reads a placement of any strategy that `serialize` wrote. Throws PlacementFormatError (`DSYS_HASHRING_FORMAT`) on anything else, and when it was made
 * with another hash function than `hash` (default MurmurHash3 x86 32-bit; ketama has one of its own).
 */
export function parsePlacement(text: string, options: { readonly hash?: PlacementHash } = {}): Placement {
  const content = parseContent(text)
  const strategy = strategyOf(content)
  const hash = strategy === 'ketama' ? ketamaHash : (options.hash ?? murmur3)
  if (strategy === 'ring') return ringFromContent(content, hash)
  if (strategy === 'partition-table') return tableFromContent(content, hash)
  assertHash(content, hash)
  const set = nodesField(content)
  return withinLimits(() => {
    switch (strategy) {
      case 'ketama':
        return new KetamaRing(set)
      case 'rendezvous':
        return new RendezvousPlacement(set, hash)
      case 'jump':
        return jumpOf(set, hash)
      case 'maglev':
        return new MaglevPlacement(set, hash, checkSlots(numberField(content, 'slots')))
      case 'bounded-load': {
        const [loadFactor, slots] = [numberField(content, 'loadFactor'), numberField(content, 'slots')]
        const virtualNodes = numberField(content, 'virtualNodes')
        return new BoundedLoadPlacement(set, hash, checkShape({ loadFactor, slots, virtualNodes }))
      }
      default:
        throw new PlacementFormatError(`its strategy ${JSON.stringify(strategy)} is not known`)
    }
  })
}

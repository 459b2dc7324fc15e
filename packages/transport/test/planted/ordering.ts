import { systemClock } from '@dsys/runtime'
import type { Destination } from '../../src/index.ts'
import { FullLoopback } from '../full-loopback.ts'
import type { Planted } from './planted.ts'

const later = (action: () => void): void => void systemClock.setTimer(2, action)

/** What ordering can have wrong. */
export const ORDERING_BUGS: readonly Planted[] = [
  {
    bug: 'lets frames overtake others',
    found: [
      'frames arrive in order, whatever their sizes, channels and kinds of address',
      'the frames of each of many senders arrive in their order',
      'broadcasts and frames to a node keep their order',
    ],
    kind: class extends FullLoopback {
      #sent = 0
      protected override arrive(to: Destination, channel: string, frame: Uint8Array): void {
        if (this.#sent++ % 50 === 7) later(() => super.arrive(to, channel, frame))
        else super.arrive(to, channel, frame)
      }
    },
  },
]

import { expect, test } from 'vitest'
import { SELF, tryOrders } from '../bench/merge-orders.js'
import { MembershipCore } from '../src/core/membership-core.ts'
import { resolveOptions } from '../src/options.ts'

const SETS = 400
const ORDERS = 10
const options = resolveOptions({ cluster: 'test' })

function newCore(seed: number): MembershipCore {
  const core = new MembershipCore({
    ...options,
    self: SELF,
    nonce: 1,
    seed,
    canBroadcast: false,
    maxFrameBytes: 65_536,
  })
  core.connection(true, 0)
  core.join(0)
  return core
}

test('M-05: the same statements give the same view, in whatever messages, order and number they come', () => {
  for (let seed = 1; seed <= SETS; seed++) expect(tryOrders(seed, ORDERS, newCore)).toBeUndefined()
})

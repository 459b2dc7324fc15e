import { createFailureDetector } from '@dsys/failure-detector'

let n2 = createFailureDetector({ acceptablePauseMs: 500 })
for (let nowMs = 0; nowMs <= 60_000; nowMs += 1_000) n2 = n2.heartbeat(nowMs) // clock.monotonicMs(), as each arrives

console.log(n2.suspicion(61_000).toFixed(2), n2.isAvailable(61_000))
console.log(n2.suspicion(61_900).toFixed(2), n2.isAvailable(61_900))
console.log(n2.unavailableFromMs?.toFixed(0))
console.log(n2.explain(63_000).text)

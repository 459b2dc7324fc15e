import { SeededRandom, systemClock } from '@dsys/runtime'
import { faulty } from '@dsys/transport/faulty'
import { Loopback } from './loopback.ts' // or any adapter

const wire = new Map<string, Loopback>()
await using a = faulty(new Loopback(wire, { id: 'a', generation: 1 }), {
  clock: systemClock, // a VirtualClock in tests
  random: new SeededRandom(7),
})
a.cut('b', 'out') // b hears nothing of a, and a hears b, until heal('b')
a.setLink({ lossRate: 0.1, duplicateRate: 0.1, minDelayMs: 5, maxDelayMs: 50 }) // with all peers, both ways
a.setLink({ lossRate: 1 }, { peer: 'c', direction: 'in' }) // this one fares worse
await a.start()
console.log(a.send({ id: 'b' }, 'orders', new Uint8Array(3)), a.counts.cut) // true 1

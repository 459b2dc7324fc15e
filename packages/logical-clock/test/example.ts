import { actorId, DottedVersionSet, VectorClock } from '@dsys/logical-clock'

const n1 = { id: actorId('n1', 0x5eed), floor: 0 } // a replica, in one life of its disk
const n2 = { id: actorId('n2', 0xcafe), floor: 0 }

const cart = DottedVersionSet.empty<string>().update(n1, VectorClock.empty, 'milk')
const seen = cart.context // what a client gets with the value, and passes when it writes
const here = cart.update(n1, seen, 'milk, bread')
const there = cart.update(n2, seen, 'milk, eggs')
console.log(here.compare(there)) // concurrent
const both = here.sync(there)
console.log(both.values.join(' | ')) // milk, bread | milk, eggs
console.log(both.update(n2, both.context, 'milk, bread, eggs').values.join(' | ')) // milk, bread, eggs

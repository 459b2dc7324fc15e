import { createRing } from '@dsys/hashring'

const ring = createRing({ nodes: { a: 1, b: 1, c: 2 }, zones: { a: 'z1', b: 'z2', c: 'z2' } })
console.log(ring.owner('user:1001')) // one node: a
console.log(ring.owners('user:1001', 2).join(' then ')) // another zone comes second: a then c

const next = ring.with('d', { weight: 1, zone: 'z1' })
const { movedShare, moves } = ring.diff(next)
console.log(`${Math.round(movedShare * 100)} % moves`) // a fifth by weight: 18 % moves
console.log(moves.map(({ from, to }) => `${from} to ${to}`).join(', ')) // a to d, b to d, c to d

import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { FramedSocket } from '../src/framed-socket.ts'

const failure = (message: string, code: string): Error => Object.assign(new Error(message), { code })
/** As Node.js makes it: with the code of the first. */
const together = (...errors: Error[]): Error =>
  Object.assign(new AggregateError(errors), { code: (errors[0] as NodeJS.ErrnoException).code })

const refused = failure('connect ECONNREFUSED ::1:9', 'ECONNREFUSED')
const alsoRefused = failure('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED')
const silent = failure('connect ETIMEDOUT 127.0.0.1:9', 'ETIMEDOUT')

test.each([
  ['an address where nobody listens', refused, refused.message, 'ECONNREFUSED'],
  ['two of them', together(refused, alsoRefused), `${refused.message}, ${alsoRefused.message}`, 'ECONNREFUSED'],
  [
    'one of them, and one that is silent',
    together(refused, silent),
    `${refused.message}, ${silent.message}`,
    undefined,
  ],
])('a socket that fails says why, and what is sure of it: %s', async (_which, error, why, code) => {
  const socket = new Socket()
  const framed = new FramedSocket(socket)
  const closed = new Promise((resolve) => {
    framed.use({ onFrame: () => undefined, onClosed: (...said) => resolve(said) })
  })
  socket.destroy(error)
  expect(await closed).toEqual([why, code])
})

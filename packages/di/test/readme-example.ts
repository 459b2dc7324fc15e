import 'reflect-metadata'
import { type Module, NodeScope, token } from '@dsys/di'
import { container } from 'tsyringe'

const CLOCK = token<{ now(): number }>('app.Clock')
const GREETER = token<{ greet(): string } & AsyncDisposable>('app.Greeter')
const clock: Module = (s) => s.register(CLOCK, () => ({ now: () => 42 }))
const greeter: Module = (s) =>
  s.register(GREETER, () => {
    const time = s.get(CLOCK)
    return { greet: () => `hello at ${time.now()}`, [Symbol.asyncDispose]: async () => console.log('closed') }
  })

await using node = new NodeScope(container.createChildContainer()).use(greeter, clock)
await node.start()
console.log(node.get(GREETER).greet())

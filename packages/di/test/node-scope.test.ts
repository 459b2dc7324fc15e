import 'reflect-metadata'
import { container } from 'tsyringe'
import { describe, expect, test } from 'vitest'
import { type Module, NodeScope, type Token, token, WiringError } from '../src/index.ts'

const scope = (): NodeScope => new NodeScope(container.createChildContainer())

/** Says what happens to it in `log`; `start` can be held open or made to fail. */
class Part {
  readonly #name: string
  readonly #log: string[]
  readonly #onStart: (signal: AbortSignal | undefined) => Promise<void>
  readonly #onDispose: () => void

  constructor(
    name: string,
    log: string[],
    onStart: (signal: AbortSignal | undefined) => Promise<void> = async () => undefined,
    onDispose: () => void = () => undefined,
  ) {
    this.#name = name
    this.#log = log
    this.#onStart = onStart
    this.#onDispose = onDispose
  }

  async start(options: { readonly signal?: AbortSignal }): Promise<void> {
    this.#log.push(`start ${this.#name}`)
    await this.#onStart(options.signal)
    this.#log.push(`started ${this.#name}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#log.push(`dispose ${this.#name}`)
    this.#onDispose()
  }
}

const A: Token<Part> = token('A')
const B: Token<Part> = token('B')
const C: Token<Part> = token('C')

/** C needs B, which needs A; registered in the opposite order. */
const chain =
  (log: string[], parts: Partial<Record<'A' | 'B' | 'C', Part>> = {}): Module =>
  (target) => {
    target.register(C, (s) => {
      s.get(B)
      return parts.C ?? new Part('C', log)
    })
    target.register(B, (s) => {
      s.get(A)
      return parts.B ?? new Part('B', log)
    })
    target.register(A, () => parts.A ?? new Part('A', log))
  }

const untilAborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))

describe('order', () => {
  test('parts start after what they need and are disposed before it, whatever the order of registration', async () => {
    const log: string[] = []
    const node = scope().use(chain(log))
    await node.start()
    await node[Symbol.asyncDispose]()
    expect(log).toEqual([
      'start A',
      'started A',
      'start B',
      'started B',
      'start C',
      'started C',
      'dispose C',
      'dispose B',
      'dispose A',
    ])
  })

  test('one object behind two tokens starts and ends once', async () => {
    const log: string[] = []
    const node = scope().register(A, () => new Part('A', log))
    node.register(B, (s) => s.get(A))
    await node.start()
    await node[Symbol.asyncDispose]()
    expect(log).toEqual(['start A', 'started A', 'dispose A'])
  })

  test('disposing twice joins the first', async () => {
    const log: string[] = []
    const node = scope().use(chain(log))
    await node.start()
    await Promise.all([node[Symbol.asyncDispose](), node[Symbol.asyncDispose]()])
    expect(log.filter((line) => line === 'dispose A')).toHaveLength(1)
  })

  test('a part with Symbol.dispose only is disposed as well', async () => {
    let disposed = 0
    const node = scope().register(token<Disposable>('D'), () => ({ [Symbol.dispose]: () => void disposed++ }))
    await node.start()
    await node[Symbol.asyncDispose]()
    expect(disposed).toBe(1)
  })
})

describe('building', () => {
  test('a part is built once, and only when somebody asks', () => {
    let built = 0
    const node = scope().register(A, () => {
      built++
      return new Part('A', [])
    })
    expect(built).toBe(0)
    expect(node.get(A)).toBe(node.get(A))
    expect(built).toBe(1)
  })

  test('the last registration wins', () => {
    const last = new Part('last', [])
    const node = scope()
      .register(A, () => new Part('first', []))
      .register(A, () => last)
    expect(node.get(A)).toBe(last)
  })

  test('two scopes of one parent share nothing', () => {
    const parent = container.createChildContainer()
    const [one, two] = [new NodeScope(parent.createChildContainer()), new NodeScope(parent.createChildContainer())]
    for (const node of [one, two]) node.register(A, () => new Part('A', []))
    expect(one.get(A)).not.toBe(two.get(A))
  })

  test('what the container above provides can be asked for, and is not this scope’s to dispose', async () => {
    const log: string[] = []
    const parent = container.createChildContainer()
    parent.register(A.symbol, { useValue: new Part('A', log) })
    const node = new NodeScope(parent.createChildContainer())
    expect(node.get(A)).toBeInstanceOf(Part)
    await node.start()
    await node[Symbol.asyncDispose]()
    expect(log).toEqual([])
  })

  test('a missing part names the path that asked for it', () => {
    const node = scope()
      .register(C, (s) => s.get(B))
      .register(B, (s) => s.get(A))
    expect(() => node.get(C)).toThrow(
      expect.objectContaining({
        code: 'DSYS_DI_MISSING',
        path: ['C', 'B', 'A'],
        message: 'nothing provides A, asked for by C -> B',
      }),
    )
    expect(() => node.get(C)).toThrow(WiringError)
  })

  test('a cycle is told with its path', () => {
    const node = scope()
      .register(A, (s) => s.get(B))
      .register(B, (s) => s.get(A))
    expect(() => node.get(A)).toThrow(expect.objectContaining({ code: 'DSYS_DI_CYCLE', path: ['A', 'B', 'A'] }))
  })

  test('after a factory failed, the path of the next error is right', () => {
    const node = scope().register(A, () => {
      throw new Error('no disk')
    })
    expect(() => node.get(A)).toThrow('no disk')
    expect(() => node.get(B)).toThrow(expect.objectContaining({ path: ['B'] }))
  })

  test('registering what is built already, or in a scope that has started, is refused', async () => {
    const node = scope().register(A, () => new Part('A', []))
    node.get(A)
    expect(() => node.register(A, () => new Part('A', []))).toThrow(expect.objectContaining({ code: 'DSYS_DI_STATE' }))
    await node.start()
    expect(() => node.register(B, () => new Part('B', []))).toThrow(expect.objectContaining({ code: 'DSYS_DI_STATE' }))
    await node[Symbol.asyncDispose]()
  })

  test('a disposed scope gives nothing out, and does not start', async () => {
    const node = scope().register(A, () => new Part('A', []))
    node.get(A)
    await node[Symbol.asyncDispose]()
    expect(() => node.get(A)).toThrow(expect.objectContaining({ code: 'DSYS_DI_STATE' }))
    await expect(node.start()).rejects.toMatchObject({ code: 'DSYS_DI_STATE' })
  })

  test('a scope starts once', async () => {
    await using node = scope().register(A, () => new Part('A', []))
    await node.start()
    await expect(node.start()).rejects.toMatchObject({ code: 'DSYS_DI_STATE' })
  })
})

describe('a start that fails', () => {
  test('disposes every part that was built, and starts no further one', async () => {
    const log: string[] = []
    const failing = new Part('B', log, () => Promise.reject(new Error('port taken')))
    const node = scope().use(chain(log, { B: failing }))
    await expect(node.start()).rejects.toThrow('port taken')
    expect(log).toEqual(['start A', 'started A', 'start B', 'dispose C', 'dispose B', 'dispose A'])
  })

  test('tells its own error although disposing fails too, and that one is told by disposing', async () => {
    const failing = new Part(
      'B',
      [],
      () => Promise.reject(new Error('port taken')),
      () => {
        throw new Error('cannot close')
      },
    )
    const node = scope().use(chain([], { B: failing }))
    await expect(node.start()).rejects.toThrow('port taken')
    await expect(node[Symbol.asyncDispose]()).rejects.toThrow('disposing B failed')
  })

  test('an aborted signal cancels the part that starts, and the error is the signal’s reason', async () => {
    const log: string[] = []
    const abort = new AbortController()
    const node = scope().use(chain(log, { B: new Part('B', log, untilAborted) }))
    const starting = node.start({ signal: abort.signal })
    await expect.poll(() => log).toContain('start B')
    abort.abort(new Error('changed my mind'))
    await expect(starting).rejects.toThrow('changed my mind')
    expect(log).not.toContain('start C')
    expect(log.slice(-3)).toEqual(['dispose C', 'dispose B', 'dispose A'])
  })

  test('a signal that was aborted before starts nothing', async () => {
    const log: string[] = []
    await expect(
      scope()
        .use(chain(log))
        .start({ signal: AbortSignal.abort(new Error('too late')) }),
    ).rejects.toThrow('too late')
    expect(log).toEqual(['dispose C', 'dispose B', 'dispose A'])
  })

  test('an abort after the start does nothing', async () => {
    const log: string[] = []
    const abort = new AbortController()
    await using node = scope().use(chain(log))
    await node.start({ signal: abort.signal })
    abort.abort()
    expect(log).not.toContain('dispose A')
  })
})

describe('disposal while the scope starts', () => {
  test('cancels the part that starts and starts no further one', async () => {
    const log: string[] = []
    const node = scope().use(chain(log, { B: new Part('B', log, untilAborted) }))
    const starting = node.start()
    await expect.poll(() => log).toContain('start B')
    const disposing = node[Symbol.asyncDispose]()
    await expect(starting).rejects.toMatchObject({ code: 'DSYS_DI_STATE' })
    await disposing
    expect(log).toEqual(['start A', 'started A', 'start B', 'dispose C', 'dispose B', 'dispose A'])
  })

  test('what a part needs is disposed only after the part is done with starting, even if it ignores the signal', async () => {
    const log: string[] = []
    let finish = (): void => undefined
    const slow = new Part('B', log, () => new Promise((resolve) => (finish = resolve)))
    const node = scope().use(chain(log, { B: slow }))
    const starting = node.start()
    await expect.poll(() => log).toContain('start B')
    const disposing = node[Symbol.asyncDispose]()
    await expect.poll(() => log).toContain('dispose B')
    expect(log).not.toContain('dispose A')
    finish()
    await expect(starting).rejects.toMatchObject({ code: 'DSYS_DI_STATE' })
    await disposing
    expect(log).not.toContain('start C')
    expect(log.at(-1)).toBe('dispose A')
  })
})

test('disposal goes on after a failure, and tells all of them', async () => {
  const log: string[] = []
  const fail = (): never => {
    throw new Error('stuck')
  }
  const node = scope().use(
    chain(log, { A: new Part('A', log, undefined, fail), C: new Part('C', log, undefined, fail) }),
  )
  await node.start()
  const error = await node[Symbol.asyncDispose]().catch((failure: unknown) => failure)
  expect(error).toBeInstanceOf(AggregateError)
  expect((error as AggregateError).errors.map((one: Error) => one.message)).toEqual([
    'disposing C failed',
    'disposing A failed',
  ])
  expect(log).toContain('dispose B')
})

import { type KvCommand, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import type { CallOptions, Raft, RaftStatus, ReadOptions } from '@dsys/raft'

const present = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the machine has no codec')
  return value
}

const commands = present(kvMachine.commandCodec)
const results = present(kvMachine.resultCodec)

/** A group of one that runs the real machine, and sends every command and result through its codec. */
export class FakeRaft implements Raft<KvState, KvCommand, KvResult> {
  state: KvState = kvMachine.initial()
  index = 0
  readonly calls: (CallOptions | ReadOptions | undefined)[] = []
  /** Makes the next call fail. */
  failWith: Error | undefined

  async propose(command: KvCommand, options?: CallOptions): Promise<KvResult> {
    const bytes = commands.encode(command)
    this.#called(options)
    this.index += 1
    const applied = kvMachine.apply(this.state, commands.decode(bytes), { index: this.index, term: 1, position: 0 })
    this.state = applied.state
    return results.decode(results.encode(applied.result))
  }

  async proposeAll(): Promise<KvResult[]> {
    throw new Error('the key-value store proposes its commands one by one')
  }

  async read<T>(query: (state: KvState) => T, options?: ReadOptions): Promise<T> {
    this.#called(options)
    return query(this.state)
  }

  #called(options: CallOptions | undefined): void {
    this.calls.push(options)
    const error = this.failWith
    this.failWith = undefined
    if (error !== undefined) throw error
  }

  bootstrap(): Promise<never> {
    throw new Error('not part of this test')
  }

  explain(): never {
    throw new Error('not part of this double')
  }

  openClient(): Promise<never> {
    return Promise.reject(new Error('not part of this double'))
  }

  reconfigure(): Promise<never> {
    return Promise.reject(new Error('not part of this double'))
  }

  status(): RaftStatus {
    throw new Error('not part of this fake')
  }
  transferLeadership(): Promise<void> {
    return Promise.reject(new Error('not part of this fake'))
  }
  events(): never {
    throw new Error('not part of this fake')
  }
  start(): Promise<void> {
    return Promise.resolve()
  }
  stop(): Promise<void> {
    return Promise.resolve()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { type KvCommand, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withoutTheWorld } from '../../../tooling/fixtures/without-the-world.ts'
import { partsOf, reread } from './snapshots.ts'

const commandCodec = kvMachine.commandCodec
if (commandCodec === undefined) throw new Error('the machine has no codec')

interface ModelEntry {
  readonly value: string
  readonly revision: number
  readonly createRevision: number
}

/** The same machine in the plainest words: a record of records, copied with each change. */
class Model {
  readonly revisions: Record<string, number> = {}
  readonly entries: Record<string, ModelEntry> = {}

  apply(command: KvCommand): { changed: boolean; revision?: number; actual?: ModelEntry | undefined } {
    const at = `${command.keyspace} ${command.key}`
    const actual = this.entries[at]
    const holds =
      command.op === 'put' ||
      (command.op === 'create' && actual === undefined) ||
      (command.op === 'update' && actual !== undefined && actual.revision === command.revision) ||
      (command.op === 'delete' &&
        actual !== undefined &&
        (command.revision === undefined || actual.revision === command.revision))
    if (!holds) return { changed: false, actual }
    const revision = (this.revisions[command.keyspace] ?? 0) + 1
    this.revisions[command.keyspace] = revision
    if (command.op === 'delete') delete this.entries[at]
    else {
      const createRevision = actual?.createRevision ?? revision
      this.entries[at] = { value: Buffer.from(command.value).toString('hex'), revision, createRevision }
    }
    return { changed: true, revision }
  }
}

const keyspace = fc.constantFrom('a', 'b')
const key = fc.constantFrom('k', 'l', '\u00ff\u0000', '__proto__')
const value = fc.uint8Array({ maxLength: 6 })
const revision = fc.integer({ min: 1, max: 12 })
const command: fc.Arbitrary<KvCommand> = fc.oneof(
  fc.record({ op: fc.constant('put' as const), keyspace, key, value }),
  fc.record({ op: fc.constant('create' as const), keyspace, key, value }),
  fc.record({ op: fc.constant('update' as const), keyspace, key, value, revision }),
  fc.record({ op: fc.constant('delete' as const), keyspace, key, revision: fc.option(revision, { nil: undefined }) }),
)

const plain = (entry: { value: Uint8Array; revision: number; createRevision: number } | undefined) =>
  entry && { ...entry, value: Buffer.from(entry.value).toString('hex') }

const plainResult = (result: KvResult) => (result.changed ? result : { changed: false, actual: plain(result.actual) })

function contents(state: KvState): { revisions: Record<string, number>; entries: Record<string, unknown> } {
  const revisions: Record<string, number> = {}
  const entries: Record<string, unknown> = {}
  for (const [name, { revision: last, entries: map, sizeBytes }] of state.keyspaces) {
    if (last > 0) revisions[name] = last
    let counted = 0
    for (const [name2, entry] of map) {
      entries[`${name} ${name2}`] = plain(entry)
      counted += name2.length + entry.value.length
    }
    expect(sizeBytes).toBe(counted)
  }
  return { revisions, entries }
}

describe('the key-value machine', () => {
  test('does what the model does, also when it lives on from a snapshot after any command', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(command, fc.boolean()), { maxLength: 40 }), (steps) => {
        const model = new Model()
        let state = kvMachine.initial()
        for (const [i, [next, snapshot]] of steps.entries()) {
          const applied = kvMachine.apply(state, next, { index: i + 1, term: 1, position: 0 })
          expect(plainResult(applied.result)).toEqual(model.apply(next))
          state = snapshot ? reread(applied.state) : applied.state
        }
        expect(contents(state)).toEqual({ revisions: model.revisions, entries: { ...model.entries } })
      }),
      { numRuns: 500 },
    )
  })

  test('arrives at the same bytes on every node, whether it saw the log or began with a snapshot of it', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), fc.nat(40), (list, cut) => {
        let follower = kvMachine.initial()
        const leader = kvMachine.initial()
        for (const [i, next] of list.entries()) {
          if (i === cut) follower = reread(follower)
          kvMachine.apply(leader, next, { index: i + 1, term: 1, position: 0 })
          const read = commandCodec.decode(commandCodec.encode(next))
          kvMachine.apply(follower, read, { index: i + 1, term: 1, position: 0 })
        }
        expect(partsOf(follower)).toEqual(partsOf(leader))
      }),
    )
  })

  test('P-36: a snapshot holds what was there when it was frozen, whatever is applied before it is encoded', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), fc.array(command, { maxLength: 40 }), (before, after) => {
        const state = kvMachine.initial()
        let index = 0
        for (const next of before) kvMachine.apply(state, next, { index: ++index, term: 1, position: 0 })
        const then = partsOf(state)
        const frozen = kvMachine.snapshot?.freeze(state)
        for (const next of after) kvMachine.apply(state, next, { index: ++index, term: 1, position: 0 })
        expect([...(frozen ?? [])]).toEqual(then)
      }),
    )
  })

  test('an entry that was read does not change with later commands', () => {
    const state = kvMachine.initial()
    const put = (text: string): void => {
      const next: KvCommand = { op: 'put', keyspace: 'a', key: 'k', value: Buffer.from(text) }
      kvMachine.apply(state, next, { index: 1, term: 1, position: 0 })
    }
    put('one')
    const entry = state.keyspaces.get('a')?.entries.get('k')
    put('two')
    expect(entry).toEqual({ value: new Uint8Array(Buffer.from('one')), revision: 1, createRevision: 1 })
  })

  test('owns its bytes: a value does not keep the frame alive that it came in', () => {
    const frame = Buffer.alloc(4_096, 1)
    const state = kvMachine.initial()
    kvMachine.apply(
      state,
      { op: 'put', keyspace: 'a', key: 'k', value: frame.subarray(10, 20) },
      { index: 1, term: 1, position: 0 },
    )
    frame.fill(2)
    const stored = state.keyspaces.get('a')?.entries.get('k')?.value
    expect(stored).toEqual(new Uint8Array(10).fill(1))
    expect(stored?.buffer.byteLength).toBe(10)
  })
})

describe('purity', () => {
  test('the core runs where clock, chance, timers, console and process are poisoned', () => {
    const list = fc.sample(command, { numRuns: 200, seed: 1 })
    const state = kvMachine.initial()
    const parts = withoutTheWorld(() => {
      list.forEach((next, i) => {
        const { result } = kvMachine.apply(state, commandCodec.decode(commandCodec.encode(next)), {
          index: i + 1,
          term: 1,
          position: 0,
        })
        kvMachine.resultCodec?.decode(kvMachine.resultCodec.encode(result))
      })
      return partsOf(state)
    })
    expect(parts.length).toBe(2)
    expect(reread(state).keyspaces.size).toBe(2)
  })

  test('the core imports nothing but its own files, types, and how bytes are written and read', () => {
    const folder = new URL('../src/core/', import.meta.url)
    for (const file of readdirSync(folder)) {
      const source = readFileSync(new URL(file, folder), 'utf8')
      for (const [line, from] of source.matchAll(/^(?:import|export) .*from '([^']+)'/gm)) {
        const own = from?.startsWith('./') || from === '../errors.ts' || from === '@dsys/runtime/bytes'
        expect(own || line.startsWith('import type '), `${file}: ${line}`).toBe(true)
      }
    }
  })
})

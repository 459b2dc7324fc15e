import { type KvCommand, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import { type Codec, DsysError } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { partsOf, reread, stateOf } from './snapshots.ts'

const present = <T>(codec: Codec<T> | undefined): Codec<T> => {
  if (codec === undefined) throw new Error('the machine has no codec')
  return codec
}
const commands = present(kvMachine.commandCodec)
const results = present(kvMachine.resultCodec)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const value = Buffer.from('value')

/** The format on disk and wire. A change here breaks every cluster in use: give the format a new version instead. */
const goldenCommands: [KvCommand, string][] = [
  [{ op: 'put', keyspace: 'default', key: 'k/\u00ff', value }, '01010764656661756c7400036b2fff76616c7565'],
  [{ op: 'create', keyspace: 'a', key: 'k', value: Buffer.alloc(0) }, '0102016100016b'],
  [{ op: 'update', keyspace: 'a', key: 'k', revision: 2 ** 40 + 5, value }, '0103016100016b000001000000000576616c7565'],
  [{ op: 'delete', keyspace: 'a', key: 'k', revision: undefined }, '0104016100016b'],
  [{ op: 'delete', keyspace: 'a', key: 'k', revision: 258 }, '0105016100016b0000000000000102'],
]

const goldenResults: [KvResult, string][] = [
  [{ changed: true, revision: Number.MAX_SAFE_INTEGER }, '0101001fffffffffffff'],
  [{ changed: false, actual: undefined }, '0102'],
  [
    { changed: false, actual: { value, revision: 9, createRevision: 4 } },
    '01030000000000000009000000000000000476616c7565',
  ],
]

const run = (list: readonly KvCommand[]): KvState => {
  const state = kvMachine.initial()
  for (const [i, command] of list.entries()) kvMachine.apply(state, command, { index: i + 1, term: 1, position: 0 })
  return state
}

describe('formats, byte for byte', () => {
  test.each(goldenCommands)('command %j', (command, bytes) => {
    expect(hex(commands.encode(command))).toBe(bytes)
    expect(commands.decode(Buffer.from(bytes, 'hex'))).toEqual(command)
    // A plain Uint8Array in the middle of a larger buffer, as a transport hands it over.
    const frame = new Uint8Array([7, 7, ...Buffer.from(bytes, 'hex'), 7])
    expect(commands.decode(frame.subarray(2, -1))).toEqual(command)
  })

  test.each(goldenResults)('result %j', (result, bytes) => {
    expect(hex(results.encode(result))).toBe(bytes)
    expect(results.decode(Buffer.from(bytes, 'hex'))).toEqual(result)
  })

  const snapshotCommands: KvCommand[] = [
    { op: 'put', keyspace: 'b', key: 'gone', value },
    { op: 'put', keyspace: 'a', key: 'l', value: Buffer.from('v3') },
    { op: 'put', keyspace: 'a', key: 'k', value },
    { op: 'put', keyspace: 'a', key: 'k', value: Buffer.from('v2') },
    { op: 'delete', keyspace: 'b', key: 'gone', revision: undefined },
  ]
  /** What is in a state, in plain values. */
  const contents = (state: KvState) =>
    [...state.keyspaces].map(([name, { revision, sizeBytes, entries }]) => [name, revision, sizeBytes, [...entries]])
  const second = { value: new Uint8Array([0x76, 0x32]), revision: 3, createRevision: 2 }
  const third = { value: new Uint8Array([0x76, 0x33]), revision: 1, createRevision: 1 }

  test('snapshot', () => {
    const parts = [
      '0201610000000000000003' +
        '00016c0000000000000001000000000000000100000002' +
        '7633' +
        '00016b0000000000000002000000000000000300000002' +
        '7632',
      '0201620000000000000002',
    ]
    expect(partsOf(run(snapshotCommands)).map(hex)).toEqual(parts)
    const state = stateOf(...parts.map((part) => Buffer.from(part, 'hex')))
    expect(contents(state)).toEqual([
      [
        'a',
        3,
        6,
        [
          ['l', third],
          ['k', second],
        ],
      ],
      ['b', 2, 0, []],
    ])
  })

  test('snapshot of version 1, which is still read', () => {
    const bytes =
      '0100000002' +
      '01620000000000000002' +
      '00000000' +
      '01610000000000000003' +
      '00000002' +
      '00016c0000000000000001000000000000000100000002' +
      '7633' +
      '00016b0000000000000002000000000000000300000002' +
      '7632'
    const state = stateOf(Buffer.from(bytes, 'hex'))
    expect(contents(state)).toEqual([
      ['b', 2, 0, []],
      [
        'a',
        3,
        6,
        [
          ['l', third],
          ['k', second],
        ],
      ],
    ])
    expect(contents(reread(state)).reverse()).toEqual(contents(state))
  })

  test('a large keyspace comes in parts of about 64 KiB, a large value in one', () => {
    const puts = Array.from({ length: 300 }, (_, i): KvCommand => {
      const size = i === 100 ? 200_000 : 1_000
      return { op: 'put', keyspace: i < 290 ? 'a' : 'b', key: `${i}`, value: Buffer.alloc(size, i) }
    })
    const state = run(puts)
    const sizes = partsOf(state).map((part) => part.length)
    expect(sizes.length).toBeGreaterThan(5)
    expect(sizes.filter((size) => size > 67_000)).toHaveLength(1)
    const again = partsOf(reread(state))
    expect(Buffer.compare(Buffer.concat(again), Buffer.concat(partsOf(state)))).toBe(0)
  })
})

describe('bytes that cannot be read are refused', () => {
  const code = 'DSYS_KV_FORMAT'
  const refused = (decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void => {
    try {
      decode(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(DsysError)
      expect((error as DsysError).code).toBe(code)
      return
    }
    throw new Error(`${hex(bytes)} was read`)
  }
  const refusedState = (...parts: readonly Uint8Array[]): void =>
    refused(() => stateOf(...parts), parts[0] as Uint8Array)
  const refusedHex = (...parts: readonly string[]): void =>
    refusedState(...parts.map((part) => Buffer.from(part, 'hex')))
  const headBytes = 7

  test('another version', () => {
    refused(commands.decode, Buffer.from('0201016100016b', 'hex'))
    refused(results.decode, Buffer.from('0202', 'hex'))
    refusedHex('0000000000')
    refusedHex('0301610000000000000003')
    refusedHex('')
  })

  test('an unknown operation or kind', () => {
    refused(commands.decode, Buffer.from('0106016100016b', 'hex'))
    refused(results.decode, Buffer.from('0104', 'hex'))
  })

  test('a cut anywhere before the value', () => {
    for (const [, golden] of goldenCommands) {
      for (let length = 0; length < headBytes; length++)
        refused(commands.decode, Buffer.from(golden, 'hex').subarray(0, length))
    }
    refused(commands.decode, Buffer.from('0105016100016b00000000000001', 'hex'))
    refused(results.decode, Buffer.from('0101001fffffffffff', 'hex'))
    const [part] = partsOf(run([{ op: 'put', keyspace: 'a', key: 'k', value }])) as [Uint8Array]
    // Without the entry it is a part too: whole parts are the business of Raft, which counts them.
    for (let length = 0; length < part.length; length++) if (length !== 11) refusedState(part.subarray(0, length))
  })

  test('bytes left over, numbers above 2^53 - 1, repeated names and keys, revisions out of order', () => {
    refused(commands.decode, Buffer.from('0104016100016b00', 'hex'))
    refused(results.decode, Buffer.from('010200', 'hex'))
    refused(results.decode, Buffer.from('01010020000000000000', 'hex'))
    refusedHex('010000000000')
    const empty = '0161000000000000000200000000'
    refusedHex(`0100000002${empty}${empty}`)
    const entry = '00016b0000000000000001000000000000000200000000'
    refusedHex(`01000000010161000000000000000200000002${entry}${entry}`)
    refusedHex(`01000000010161000000000000000100000001${entry}`)
    refusedHex(`0201610000000000000002${entry}${entry}`)
    refusedHex(`0201610000000000000002${entry}`, `0201610000000000000002${entry}`)
    refusedHex('0201610000000000000002', '0201610000000000000003')
    refusedHex(`0201610000000000000001${entry}`)
    refusedHex(`0201610000000000000002${entry}00`)
  })
})

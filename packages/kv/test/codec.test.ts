import { type KvCommand, type KvResult, type KvState, kvMachine } from '@dsys/kv'
import { type Codec, DsysError } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'

const present = <T>(codec: Codec<T> | undefined): Codec<T> => {
  if (codec === undefined) throw new Error('the machine has no codec')
  return codec
}
const commands = present(kvMachine.commandCodec)
const results = present(kvMachine.resultCodec)
const snapshots = present(kvMachine.stateCodec)
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
  for (const [i, command] of list.entries()) kvMachine.apply(state, command, { index: i + 1, term: 1 })
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

  test('snapshot', () => {
    const state = run([
      { op: 'put', keyspace: 'a', key: 'k', value },
      { op: 'put', keyspace: 'a', key: 'k', value: Buffer.from('v2') },
      { op: 'put', keyspace: 'b', key: 'gone', value },
      { op: 'delete', keyspace: 'b', key: 'gone', revision: undefined },
    ])
    const bytes =
      '0100000002' +
      '01610000000000000002' +
      '0000000100016b0000000000000001000000000000000200000002' +
      '7632' +
      '0162000000000000000200000000'
    expect(hex(snapshots.encode(state))).toBe(bytes)
    expect(snapshots.decode(Buffer.from(bytes, 'hex'))).toEqual({
      keyspaces: new Map([
        [
          'a',
          {
            revision: 2,
            sizeBytes: 3,
            entries: new Map([['k', { value: new Uint8Array([0x76, 0x32]), revision: 2, createRevision: 1 }]]),
          },
        ],
        ['b', { revision: 2, sizeBytes: 0, entries: new Map() }],
      ]),
    })
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
  const headBytes = 7

  test('another version', () => {
    refused(commands.decode, Buffer.from('0201016100016b', 'hex'))
    refused(results.decode, Buffer.from('0202', 'hex'))
    refused(snapshots.decode, Buffer.from('0000000000', 'hex'))
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
    const snapshot = snapshots.encode(run([{ op: 'put', keyspace: 'a', key: 'k', value }]))
    for (let length = 0; length < snapshot.length; length++) refused(snapshots.decode, snapshot.subarray(0, length))
  })

  test('bytes left over, numbers above 2^53 - 1, repeated names and keys, revisions out of order', () => {
    refused(commands.decode, Buffer.from('0104016100016b00', 'hex'))
    refused(results.decode, Buffer.from('010200', 'hex'))
    refused(results.decode, Buffer.from('01010020000000000000', 'hex'))
    refused(snapshots.decode, Buffer.from('010000000000', 'hex'))
    const empty = '0161000000000000000200000000'
    refused(snapshots.decode, Buffer.from(`0100000002${empty}${empty}`, 'hex'))
    const entry = '00016b0000000000000001000000000000000200000000'
    refused(snapshots.decode, Buffer.from(`01000000010161000000000000000200000002${entry}${entry}`, 'hex'))
    refused(snapshots.decode, Buffer.from(`01000000010161000000000000000100000001${entry}`, 'hex'))
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BATCH_KIND,
  COMMAND_HEADER_BYTES,
  COMMAND_KIND,
  commandBytes,
  type EncodedCommand,
  isProposal,
  writeCommand,
} from '../src/applier.ts'
import { batchBytes, checkBatch, decodeBatch, encodeBatch } from '../src/batches.ts'
import { MalformedError, readU32, readU53, writeU32, writeU53 } from '../src/bytes.ts'
import { encodeClientCommand } from '../src/client-commands.ts'

const commands = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 })

describe('a batch', () => {
  test('gives back its commands, empty ones too, from where it begins', () => {
    fc.assert(
      fc.property(commands, fc.nat(30), (list, at) => {
        const batch = encodeBatch(list)
        expect(batch.length).toBe(batchBytes(list))
        const placed = Buffer.concat([Buffer.alloc(at), batch])
        checkBatch(placed, at)
        expect(decodeBatch(placed, at).map((command) => [...command])).toEqual(list.map((command) => [...command]))
      }),
    )
  })

  test('is refused where it is cut, by the check as by the reader', () => {
    const batch = encodeBatch([Buffer.from('one'), Buffer.from('three')])
    for (let length = 0; length < batch.length; length++) {
      const cut = batch.subarray(0, length)
      if (length === 0 || length === 7) {
        checkBatch(cut, 0)
        continue
      }
      expect(() => checkBatch(cut, 0)).toThrow(MalformedError)
      expect(() => decodeBatch(cut, 0)).toThrow(MalformedError)
    }
  })
})

describe('what a node passes on becomes an entry', () => {
  function encoded(command: EncodedCommand): Buffer {
    const data = Buffer.alloc(commandBytes(command))
    expect(writeCommand(data, 0, 1, 2, 2, command)).toBe(data.length)
    return data
  }

  test('where every node can read it', () => {
    expect(isProposal({ kind: COMMAND_KIND, data: encoded(Buffer.from('x')) })).toBe(true)
    expect(isProposal({ kind: BATCH_KIND, data: encoded([Buffer.from('x')]) })).toBe(true)
    const { kind, data } = encodeClientCommand({ id: '1.7', sequence: 2 }, [Buffer.from('x')])
    expect(isProposal({ kind, data })).toBe(true)
    expect(isProposal({ kind, data: data.subarray(0, -1) })).toBe(false)
    expect(isProposal({ kind, data: data.subarray(0, 10) })).toBe(false)
  })

  test('and not where it is cut, of a kind that nobody proposes, or has a number that is none', () => {
    const batch = encoded([Buffer.from('x')])
    expect(isProposal({ kind: BATCH_KIND, data: batch.subarray(0, -1) })).toBe(false)
    expect(isProposal({ kind: COMMAND_KIND, data: batch.subarray(0, COMMAND_HEADER_BYTES - 1) })).toBe(false)
    for (const kind of [0, 3, 7, 8]) expect(isProposal({ kind, data: batch })).toBe(false)
    for (const at of [0, 8, 16]) {
      const data = Buffer.from(batch)
      data[at] = 0xff
      expect(isProposal({ kind: BATCH_KIND, data })).toBe(false)
    }
  })
})

test('numbers that are written in place are read back, and not past the end', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(5), (value, at) => {
      const bytes = new Uint8Array(at + 8)
      writeU53(bytes, value, at)
      expect(readU53(bytes, at)).toBe(value)
      expect(Number(new DataView(bytes.buffer).getBigUint64(at))).toBe(value)
      writeU32(bytes, value >>> 0, at)
      expect(readU32(bytes, at)).toBe(value >>> 0)
      expect(() => readU53(bytes, at + 1)).toThrow(MalformedError)
    }),
  )
})

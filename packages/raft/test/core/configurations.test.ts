import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedError } from '../../src/bytes.ts'
import {
  aimAt,
  type Configuration,
  enterJoint,
  isJoint,
  isMember,
  leaveJoint,
  membersOf,
  sameIds,
  simpleConfiguration,
  withPins,
} from '../../src/core/configuration.ts'
import { decodeConfiguration, encodeConfiguration } from '../../src/core/configuration-codec.ts'
import { Configurations } from '../../src/core/configurations.ts'
import { configurationEntry, entriesOf, OF_THREE } from './support/cluster.ts'

const TWO = simpleConfiguration(['n1', 'n2'])
const JOINT: Configuration = { voters: ['n4'], outgoing: ['n1', 'n2'], learners: [], target: undefined }

const placed = (...entries: [index: number, configuration: Configuration][]): Configurations => {
  const configurations = new Configurations({ index: 0, configuration: OF_THREE.configuration })
  for (const [index, configuration] of entries) configurations.appended([configurationEntry(index, 1, configuration)])
  return configurations
}

const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 7 })
const membership = fc.record({ voters: ids, learners: ids })
const anyConfiguration: fc.Arbitrary<Configuration> = fc.record({
  voters: ids,
  learners: ids,
  outgoing: ids,
  target: fc.option(membership, { nil: undefined }),
})

describe('the configurations along a log', () => {
  test('P-29: the newest that was appended is in force, other entries change nothing', () => {
    const configurations = placed()
    expect(configurations.appended(entriesOf([1, 1]))).toBe(false)
    expect(configurations.appended([...entriesOf([1], 3), configurationEntry(4, 1, TWO)])).toBe(true)
    expect(configurations.current).toEqual({ index: 4, configuration: TWO })
  })

  test('P-28: when the log is cut, the one before is in force again', () => {
    const configurations = placed([3, TWO], [5, JOINT])
    expect(configurations.truncated(6)).toBe(false)
    expect(configurations.truncated(5)).toBe(true)
    expect(configurations.current.configuration).toEqual(TWO)
    expect(configurations.truncated(1)).toBe(true)
    expect(configurations.current).toEqual({ index: 0, configuration: OF_THREE.configuration })
  })

  test('P-28: a snapshot in place of the log brings its own, and what the log said is gone', () => {
    const configurations = placed([3, TWO])
    configurations.reset({ index: 9, configuration: JOINT })
    expect(configurations.current).toEqual({ index: 9, configuration: JOINT })
    expect(configurations.truncated(10)).toBe(false)
  })

  test('compaction keeps what is in force at its index, and all behind it', () => {
    const configurations = placed([3, TWO], [5, JOINT], [8, OF_THREE.configuration])
    expect(configurations.at(2).configuration).toEqual(OF_THREE.configuration)
    expect(configurations.at(4).configuration).toEqual(TWO)
    configurations.compacted(6)
    expect(configurations.at(6).configuration).toEqual(JOINT)
    expect(configurations.at(8).configuration).toEqual(OF_THREE.configuration)
    configurations.compacted(7)
    expect(configurations.current.index).toBe(8)
    configurations.truncated(8)
    expect(configurations.current.configuration).toEqual(JOINT)
  })

  test('§4.2.2: who is a voter in any that may be in force may be one; who is so only before the last committed may not', () => {
    const configurations = placed([3, JOINT], [5, simpleConfiguration(['n4'])])
    expect(configurations.mayBeVoter('n3', 2)).toBe(true)
    expect(configurations.mayBeVoter('n3', 3)).toBe(false)
    expect(configurations.mayBeVoter('n1', 4)).toBe(true)
    expect(configurations.mayBeVoter('n1', 5)).toBe(false)
    expect(configurations.mayBeVoter('n4', 0)).toBe(true)
    expect(configurations.mayBeVoter('n9', 0)).toBe(false)
  })
})

describe('the steps from one configuration to another', () => {
  test('always meet: the voters change only through a joint configuration that holds both', () => {
    const voters = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(voters, voters, voters, (before, after, extra) => {
        const name = (n: number): string => `n${n}`
        const from = simpleConfiguration(before.map(name), extra.filter((n) => !before.includes(n)).map(name))
        const target = { voters: after.map(name), learners: extra.filter((n) => !after.includes(n)).map(name) }
        const aim = aimAt(from, target)
        expect(sameIds(aim.voters, from.voters)).toBe(true)
        expect(aim.voters.some((id) => aim.learners.includes(id))).toBe(false)
        if (aim.target === undefined) {
          expect(aim).toEqual(simpleConfiguration(target.voters, target.learners))
          return
        }
        // Everybody who is to vote is brought the log before.
        expect(target.voters.every((id) => isMember(aim, id))).toBe(true)
        const joint = enterJoint(aim, aim.target)
        expect(isJoint(joint)).toBe(true)
        expect([joint.voters, joint.outgoing]).toEqual([target.voters, from.voters])
        expect(leaveJoint(joint)).toEqual(simpleConfiguration(target.voters, target.learners))
        expect(new Set(membersOf(joint)).size).toBe(membersOf(joint).length)
      }),
    )
  })
})

describe('the bytes of a configuration', () => {
  test('are what they were', () => {
    const configuration: Configuration = {
      voters: ['n1', 'n2'],
      learners: ['n3'],
      outgoing: ['é'],
      target: { voters: ['n2'], learners: [] },
    }
    const hex =
      '0100000002000000026e31000000026e320000000100000002' + '6e330000000100000002c3a90100000001000000026e3200000000'
    expect(Buffer.from(encodeConfiguration(configuration)).toString('hex')).toBe(hex)
    expect(decodeConfiguration(Buffer.from(hex, 'hex'))).toEqual(configuration)
    expect(Buffer.from(encodeConfiguration(simpleConfiguration(['a']))).toString('hex')).toBe(
      '01000000010000000161000000000000000000',
    )
  })

  test('with incarnations are of version 3, and those of the versions before are read (P-30)', () => {
    const plainly = simpleConfiguration(['a', 'b'])
    const pinned = withPins(plainly, [['b', 0xa1b2c3d4e5f6]])
    const body = '0000000200000001610000000162' + '0000000000000000' + '00'
    const hex = `03${body}${'00000000'}${'00000001'}${'0000000162'}0000a1b2c3d4e5f6`
    expect(Buffer.from(encodeConfiguration(pinned)).toString('hex')).toBe(hex)
    expect(decodeConfiguration(Buffer.from(hex, 'hex'))).toEqual(pinned)
    expect(decodeConfiguration(Buffer.from(`01${body}`, 'hex'))).toEqual(plainly)
    expect(decodeConfiguration(Buffer.from(`02${body}000000010000000162`, 'hex'))).toEqual({
      ...plainly,
      witnesses: ['b'],
    })
    expect(() => decodeConfiguration(Buffer.from(`04${body}`, 'hex'))).toThrow(MalformedError)
    expect(() => decodeConfiguration(Buffer.from(`03${body}00000000ffffffff`, 'hex'))).toThrow(MalformedError)
  })

  test('P-28: what is encoded is decoded as it was, both halves of a joint one and the target', () => {
    fc.assert(
      fc.property(anyConfiguration, (configuration) => {
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration)
      }),
    )
  })

  test('that are cut, of another version or with too many members are refused', () => {
    const bytes = encodeConfiguration(JOINT)
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeConfiguration(bytes.subarray(0, length))).toThrow(MalformedError)
    expect(() => decodeConfiguration(Uint8Array.of(2, ...bytes.subarray(1)))).toThrow(MalformedError)
    expect(() => decodeConfiguration(Uint8Array.of(1, 255, 255, 255, 255))).toThrow(MalformedError)
  })
})

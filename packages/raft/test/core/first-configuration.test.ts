import { describe, expect, test } from 'vitest'
import { CONFIGURATION_KIND, simpleConfiguration } from '../../src/core/configuration.ts'
import { decodeConfiguration } from '../../src/core/configuration-codec.ts'
import { configurationEntry, coreOf, find, stored } from './support/cluster.ts'
import { append } from './support/members.ts'

const THREE = ['n1', 'n2', 'n3']

describe('the first configuration', () => {
  test('is written down by the first leader, as the first entry of its term', () => {
    const node = coreOf()
    const { entries } = find(
      node.lead('n2').map(({ message }) => message),
      'append-request',
    )
    expect(entries).toMatchObject([{ index: 1, term: 1, kind: CONFIGURATION_KIND }])
    expect(decodeConfiguration(entries[0]?.data as Uint8Array)).toEqual(simpleConfiguration(THREE))
    node.have('n2')
    expect(node.core.commitIndex).toBe(1)
    expect(node.core.configuration).toEqual({ index: 1, configuration: simpleConfiguration(THREE) })
  })

  test('is written down behind the entries of a log that has none', () => {
    const node = coreOf(stored([1, 1, 2]))
    node.lead('n2')
    expect(node.core.log.at(4)).toMatchObject({ term: 3, kind: CONFIGURATION_KIND })
    expect(node.core.configuration.index).toBe(4)
  })

  test('is written down again by the next leader where it was cut off', () => {
    const node = coreOf()
    node.lead('n2')
    node.step('n2', append(2, [0, 0], [{ index: 1, term: 2, kind: 0, data: new Uint8Array(0) }]))
    expect(node.core.configuration).toEqual({ index: 0, configuration: simpleConfiguration(THREE) })
    node.nowMs += 1_000
    node.lead('n3')
    expect(node.core.configuration).toEqual({ index: 2, configuration: simpleConfiguration(THREE) })
  })

  test('that the log has goes before the one of the options', () => {
    const log = { ...stored([]), entries: [configurationEntry(1, 1, simpleConfiguration(THREE))] }
    const node = coreOf(log, { voters: ['n1'] })
    node.core.campaign(0)
    node.settle()
    // Alone it is no majority.
    expect(node.core.role).toBe('pre-candidate')
  })

  test('that a leader brings goes before the one of the options', () => {
    const node = coreOf(undefined, { voters: ['n1', 'n2'] })
    node.step('n2', append(1, [0, 0], [configurationEntry(1, 1, simpleConfiguration(THREE))]))
    expect(node.core.configuration.configuration.voters).toEqual(THREE)
  })
})

import { describe, expect, test } from 'vitest'
import { SubjectSpace, withTag } from '../src/subjects.ts'

const spaceOf = (id: string): SubjectSpace => {
  const space = new SubjectSpace({ cluster: 'shop', self: { id, generation: 3 }, nonce: 'n', controlChannels: [] })
  space.beginConnection()
  return space
}

describe('the reply subject of a frame with a tag', () => {
  const peers = [{ id: 'b' }, { id: 'b', generation: 7 }, { id: 'ünïcödé ~ .' }, { id: 'any_1-' }]

  test.each(peers)('tells its sender which frame it was: to %j', (peer) => {
    const a = spaceOf('a')
    const plain = a.to(peer, 'rpc')
    expect(a.destination(plain.reply)).toEqual({ peer, channel: 'rpc', tag: undefined })
    for (const tag of [0, 35, 36, 2 ** 47, Number.MAX_SAFE_INTEGER]) {
      const tagged = withTag(plain, tag)
      expect(tagged).toMatchObject({ lane: plain.lane, publish: plain.publish })
      expect(a.destination(tagged.reply)).toEqual({ peer, channel: 'rpc', tag })
    }
  })

  test.each(peers)('tells its receiver no more than that of one without: to %j', (peer) => {
    const [a, b] = [spaceOf('a ~ 節'), spaceOf('b')]
    const plain = a.to(peer, 'rpc')
    const envelope = b.envelope(plain.reply)
    expect(envelope).toMatchObject({ from: { id: 'a ~ 節', generation: 3 }, channel: 'rpc', connection: 1 })
    // The very same, so that no number of tags fills what a receiver remembers.
    for (let tag = 0; tag < 3; tag++) expect(b.envelope(withTag(plain, tag).reply)).toBe(envelope)
  })

  test('is no frame, and no report with a tag, where somebody else made it up', () => {
    const [a, b] = [spaceOf('a'), spaceOf('b')]
    const { reply } = a.to({ id: 'b' }, 'rpc')
    for (const odd of [`~${reply}`, reply.replace('.b.', '~.b.'), '~', reply.replace('any', 'any~.x')])
      expect(b.envelope(odd), odd).toBeUndefined()
    for (const odd of ['~', '~-1', '~A', `~${'z'.repeat(12)}`, '~zzzzzzzzzzz'])
      expect(a.destination(reply.replace('any', `any${odd}`))?.tag, odd).toBeUndefined()
  })
})

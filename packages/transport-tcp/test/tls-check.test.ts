import { expect, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import { tlsProblems } from '../src/index.ts'

const authority = new Authority()
const tls = authority.issue({ common: 'x', dns: ['a'] })
const other = new Authority('another').issue({ common: 'a' })
const NOW_MS = Date.UTC(2030, 0)
const partsOf = (given: typeof tls, nowMs = NOW_MS): string[] => tlsProblems(given, 'a', nowMs).map(({ part }) => part)

test('nothing is wrong with a certificate of the authority that names the node, also as bytes, also in a chain', () => {
  expect(tlsProblems(tls, 'a', NOW_MS)).toEqual([])
  const bytes = {
    cert: Buffer.from(String(tls.cert)),
    key: Buffer.from(String(tls.key)),
    ca: Buffer.from(String(tls.ca)),
  }
  expect(tlsProblems(bytes, 'a', NOW_MS)).toEqual([])
  expect(tlsProblems({ ...tls, ca: `${other.ca}${tls.ca}` }, 'a', NOW_MS)).toEqual([])
})

test.each([
  ['a certificate that is none', { ...tls, cert: 'none' }, ['cert']],
  ['a certificate that is damaged', { ...tls, cert: String(tls.cert).replace('MI', 'AA') }, ['cert']],
  ['a key that is none', { ...tls, key: 'none' }, ['key']],
  ['the key of another', { ...tls, key: other.key }, ['key']],
  ['an authority that is none', { ...tls, ca: '' }, ['ca']],
  ['another authority', { ...tls, ca: other.ca }, ['cert']],
  ['the certificate of another node', authority.issue({ common: 'a', dns: ['b'] }), ['cert']],
  ['one that may not be used to dial', authority.issue({ common: 'a', usages: ['server'] }), ['cert']],
  ['one that may not be used to be dialled', authority.issue({ common: 'a', usages: ['client'] }), ['cert']],
  ['one that may be used for neither', authority.issue({ common: 'a', usages: [] }), ['cert', 'cert']],
  ['an authority whose time is over', new Authority('old', 25).issue({ common: 'a' }), ['ca']],
  ['all of it at once', { cert: '', key: '', ca: '' }, ['cert', 'key', 'ca']],
])('%s is found', (_what, given, parts) => {
  expect(partsOf(given)).toEqual(parts)
})

test('a certificate counts from its first to its last day', () => {
  expect(tlsProblems(tls, 'a', Date.UTC(2019, 0))).toEqual([
    { part: 'cert', why: expect.stringContaining('valid only from') },
    { part: 'ca', why: expect.stringContaining('valid only from') },
  ])
  expect(tlsProblems(tls, 'a', Date.UTC(2055, 0))).toEqual([
    { part: 'cert', why: expect.stringContaining('valid until') },
    { part: 'ca', why: expect.stringContaining('valid until') },
  ])
})

test('a certificate that may be used for both is good, and an authority that has gone leaves room for the next', () => {
  expect(tlsProblems(authority.issue({ common: 'a', usages: ['client', 'server'] }), 'a', NOW_MS)).toEqual([])
  const gone = new Authority('old', 25).issue({ common: 'a' }).ca
  expect(tlsProblems({ ...tls, ca: `${gone}${tls.ca}` }, 'a', NOW_MS)).toEqual([])
})

test('no problem repeats the key', () => {
  const why = JSON.stringify(tlsProblems({ ...tls, key: String(tls.key).replace('BEGIN', 'BEGUN') }, 'a', NOW_MS))
  expect(why).not.toContain(String(tls.key).split('\n')[1])
})

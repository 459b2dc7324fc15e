import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatStory, type Plan, parseStory, type Story } from '../src/index.ts'

const plan: Plan = {
  version: 1,
  scenario: 'counter',
  seed: 17,
  nodes: 3,
  chaosMs: 2_500.5,
  knobs: { batch: 4, shape: { deep: [1, null, 'x'] } },
  faults: [
    { kind: 'crash', atMs: 10, forMs: 20, node: 1, seed: 4_294_967_295 },
    { kind: 'isolate', atMs: 30.25, forMs: 5, node: 0, aim: 'leader', seed: 0 },
  ],
  operations: [{ atMs: 3, client: 'c1', type: 'add', by: 2 }],
  aims: { type: 'exactly', crashes: [{ moment: 'vote-stored', node: 'n2', nth: 3 }] },
  buggify: { activeShare: 0.25, fireShare: 0.1, off: ['slow-apply'] },
}

const story: Story = {
  name: 'a count is lost when the leader crashes after its vote',
  rule: 'linearizable',
  message: 'a read of 2 after an add to 3,\nby "c1"',
  commit: '0123abcd',
  plan,
}

/** The story with one part of its JSON replaced. */
function withChange(change: (raw: Record<string, never>) => void): string {
  const raw = JSON.parse(formatStory(story))
  change(raw)
  return JSON.stringify(raw)
}

describe('a story', () => {
  test('comes back from its text as it was', () => {
    expect(parseStory(formatStory(story))).toEqual(story)
    const drawn: Story = { ...story, plan: { ...plan, faults: [], aims: { type: 'drawn', rates: { leader: 0.5 } } } }
    expect(parseStory(formatStory(drawn))).toEqual(drawn)
  })

  test('comes back whatever is in it', () => {
    const withAny = fc.record({ name: fc.string(), message: fc.string(), seed: fc.nat(), value: fc.jsonValue() })
    fc.assert(
      fc.property(withAny, ({ name, message, seed, value }) => {
        const json = JSON.parse(JSON.stringify(value))
        const changed = { ...story, name, message, plan: { ...plan, seed, operations: [{ atMs: 1, value: json }] } }
        expect(parseStory(formatStory(changed))).toEqual(changed)
      }),
      { numRuns: 50 },
    )
  })

  test('has each fault, crash and operation in a line of its own', () => {
    const lines = formatStory(story).split('\n')
    expect(lines.filter((line) => line.includes('"kind"'))).toHaveLength(2)
    expect(lines.filter((line) => line.includes('"moment"'))).toHaveLength(1)
    expect(lines.filter((line) => line.includes('"client"'))).toHaveLength(1)
  })

  test.each([
    ['{', /no JSON/],
    ['[]', /story is an object, got \[\]/],
    [withChange((raw) => Object.assign(raw, { version: 2 })), /story\.version is 1, got 2/],
    [withChange((raw) => void delete raw['rule']), /story\.rule is missing/],
    [withChange((raw) => Object.assign(raw, { comment: 'x' })), /story has no field "comment"/],
    [withChange((raw) => Object.assign(raw['plan'], { fautls: [] })), /story\.plan has no field "fautls"/],
    [withChange((raw) => Object.assign(raw['plan']['faults'][1], { atMs: 'x' })), /plan\.faults\[1\]\.atMs .* got "x"/],
    [withChange((raw) => Object.assign(raw['plan']['faults'][0], { aim: 'n1' })), /plan\.faults\[0\]\.aim/],
    [withChange((raw) => Object.assign(raw['plan']['faults'][0], { node: 0.5 })), /plan\.faults\[0\]\.node .* whole/],
    [withChange((raw) => void delete raw['plan']['operations'][0]['atMs']), /plan\.operations\[0\]\.atMs/],
    [withChange((raw) => Object.assign(raw['plan']['aims'], { type: 'none' })), /plan\.aims\.type .* got "none"/],
    [withChange((raw) => Object.assign(raw['plan'], { aims: { type: 'drawn', rates: { a: -1 } } })), /rates\.a/],
    [withChange((raw) => Object.assign(raw['plan']['buggify'], { off: 'all' })), /plan\.buggify\.off is a list/],
  ])('a text that is none is refused, with the place: %#', (text, problem) => {
    expect(() => parseStory(text)).toThrow(SyntaxError)
    expect(() => parseStory(text)).toThrow(problem)
  })
})

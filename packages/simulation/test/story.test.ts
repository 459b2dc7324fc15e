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

type Raw = { [name: string]: Raw }

/** The JSON of the story with one place in it set to `value`, or taken out. */
function withPart(path: string, value: unknown): string {
  const raw: Raw = JSON.parse(formatStory(story))
  const names = path.split('.')
  const last = names.pop() ?? ''
  const parent = names.reduce((part, name) => part[name] ?? {}, raw)
  if (value === undefined) delete parent[last]
  else parent[last] = value as Raw
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
    [withPart('version', 2), /story\.version is 1, got 2/],
    [withPart('rule', undefined), /story\.rule is missing/],
    [withPart('comment', 'x'), /story has no field "comment"/],
    [withPart('plan.fautls', []), /story\.plan has no field "fautls"/],
    [withPart('plan.faults.1.atMs', 'x'), /plan\.faults\[1\]\.atMs .* got "x"/],
    [withPart('plan.faults.0.aim', 'n1'), /plan\.faults\[0\]\.aim/],
    [withPart('plan.faults.0.node', 0.5), /plan\.faults\[0\]\.node .* whole/],
    [withPart('plan.operations.0.atMs', undefined), /plan\.operations\[0\]\.atMs/],
    [withPart('plan.aims.type', 'none'), /plan\.aims\.type .* got "none"/],
    [withPart('plan.aims', { type: 'drawn', rates: { a: -1 } }), /rates\.a/],
    [withPart('plan.aims', { type: 'drawn', rates: { a: 1.5 } }), /rates\.a is a number from 0 to 1, got 1\.5/],
    [withPart('plan.aims.crashes.0.nth', 0), /crashes\[0\]\.nth is a whole number of 1 or more/],
    [withPart('plan.buggify.off', 'all'), /plan\.buggify\.off is a list/],
    [withPart('plan.buggify.activeShare', 1.1), /plan\.buggify\.activeShare is a number from 0 to 1, got 1\.1/],
    [withPart('plan.buggify.activeShare', -0.1), /plan\.buggify\.activeShare is a number from 0 to 1, got -0\.1/],
    [withPart('plan.buggify.fireShare', 2), /plan\.buggify\.fireShare is a number from 0 to 1, got 2/],
    [withPart('plan.nodes', 0), /plan\.nodes is a whole number of 1 or more, got 0/],
    [withPart('plan.knobs', undefined), /plan\.knobs is missing/],
    [withPart('plan.chaosMs', 17).replace('17,"knobs"', '1e999,"knobs"'), /plan\.chaosMs .* got Infinity/],
  ])('a text that is none is refused, with the place: %#', (text, problem) => {
    expect(() => parseStory(text)).toThrow(SyntaxError)
    expect(() => parseStory(text)).toThrow(problem)
  })
})

import { describe, expect, test } from 'vitest'
import { assertPlan, type Plan, type PlanMaker } from '../src/index.ts'

const plan: Plan = {
  version: 1,
  scenario: 'shop',
  seed: 3,
  nodes: 3,
  chaosMs: 1_000,
  knobs: { batch: 4, mode: 'fast', ranges: [[0, 1]], link: { order: 'fifo' }, none: [] },
  faults: [{ kind: 'crash', atMs: 1, forMs: 1, node: 0, seed: 1 }],
  operations: [{ atMs: 1, type: 'buy', sku: 'a', retry: true }],
  aims: { type: 'exactly', crashes: [{ moment: 'sold', node: 'n1', nth: 1 }] },
  buggify: { activeShare: 0, fireShare: 0, off: [] },
}

const shop: PlanMaker = {
  name: 'shop',
  shape: {
    faults: ['crash', 'isolate'],
    moments: ['sold'],
    operations: { by: 'type', types: ['buy'], fields: { sku: 'string', retry: 'boolean' } },
    choices: { mode: ['fast', 'slow'], 'link.order': ['fifo', 'free'] },
  },
  plan: () => plan,
}

const withKnobs = (knobs: Plan['knobs']): Partial<Plan> => ({ knobs: { ...plan.knobs, ...knobs } })

describe('a plan that a scenario is to run', () => {
  test('is good with what the scenario knows', () => {
    expect(() => assertPlan(shop, plan)).not.toThrow()
    const other = { ...plan, ...withKnobs({ none: ['x', 1], ranges: [], mode: 'slow' }), faults: [], operations: [] }
    expect(() => assertPlan(shop, { ...other, aims: { type: 'drawn', rates: { sold: 0.5 } } })).not.toThrow()
  })

  test.each<[Partial<Plan>, string]>([
    [{ scenario: 'kiosk' }, 'story.plan.scenario is "shop", got "kiosk"'],
    [
      { faults: [...plan.faults, { kind: 'krash', atMs: 1, forMs: 1, node: 0, seed: 1 }] },
      'story.plan.faults[1].kind is one of "crash", "isolate"; got "krash"',
    ],
    [
      { operations: [{ ...plan.operations[0], atMs: 1, type: 'sell' }] },
      'story.plan.operations[0].type is one of "buy"; got "sell"',
    ],
    [
      { operations: [{ atMs: 1, sku: 'a', retry: true }] },
      'story.plan.operations[0].type is one of "buy"; got nothing',
    ],
    [
      { operations: [{ atMs: 1, type: 'buy', sku: 7, retry: true }] },
      'story.plan.operations[0].sku is a string, got 7',
    ],
    [
      { operations: [{ atMs: 1, type: 'buy', sku: 'a', rety: true }] },
      'story.plan.operations[0] has no field "rety"; it has atMs, type, sku, retry',
    ],
    [
      { aims: { type: 'drawn', rates: { bought: 1 } } },
      'a name in story.plan.aims.rates is one of "sold"; got "bought"',
    ],
    [withKnobs({ batches: 4 }), 'story.plan.knobs has no "batches"; there are batch, mode, ranges, link, none'],
    [withKnobs({ batch: '4' }), 'story.plan.knobs.batch is a number, got "4"'],
    [withKnobs({ mode: 'odd' }), 'story.plan.knobs.mode is one of "fast", "slow"; got "odd"'],
    [withKnobs({ link: { order: 'lifo' } }), 'story.plan.knobs.link.order is one of "fifo", "free"; got "lifo"'],
    [withKnobs({ link: {} }), 'story.plan.knobs.link.order is missing; there are order'],
    [withKnobs({ link: null }), 'story.plan.knobs.link is an object, got null'],
    [
      withKnobs({
        ranges: [
          [0, 1],
          [0, 'x'],
        ],
      }),
      'story.plan.knobs.ranges[1][1] is a number, got "x"',
    ],
  ])('is refused with the place, and what could stand there: %#', (change, message) => {
    expect(() => assertPlan(shop, { ...plan, ...change }, 'story.plan')).toThrow(new RangeError(message))
  })

  test('is looked at for its name alone where the scenario tells no shape', () => {
    const plain: PlanMaker = { name: 'shop', plan: () => plan }
    expect(() => assertPlan(plain, { ...plan, knobs: {} })).not.toThrow()
    expect(() => assertPlan(plain, { ...plan, scenario: 'kiosk' })).toThrow('plan.scenario is "shop"')
  })
})

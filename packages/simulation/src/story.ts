import type { Json, Plan } from './plan.ts'
import {
  countIn,
  listOf,
  numberIn,
  objectIn,
  type Read,
  readAims,
  readJson,
  shareIn,
  textIn,
  wholeIn,
} from './story-reader.ts'

/** A failure that was found once, kept as data: the plan that brings it about, and the promise that it broke. */
export interface Story {
  /** A few words that say which one it is. */
  readonly name: string
  /** The promise that was broken when it was found. It is kept now: a story that still breaks a promise is a bug that is back. */
  readonly rule: string
  /** What the violation said. */
  readonly message: string
  /** The commit that it was found on. */
  readonly commit: string
  readonly plan: Plan
}

const readFault: Read<Plan['faults'][number]> = (value, where) => {
  const fault = objectIn(value, where, ['kind', 'atMs', 'forMs', 'node', 'seed'], ['aim'])
  if (fault['aim'] !== undefined && fault['aim'] !== 'leader') {
    throw new SyntaxError(`${where}.aim is "leader" or absent, got ${JSON.stringify(fault['aim'])}`)
  }
  return {
    kind: textIn(fault['kind'], `${where}.kind`),
    atMs: numberIn(fault['atMs'], `${where}.atMs`),
    forMs: numberIn(fault['forMs'], `${where}.forMs`),
    node: wholeIn(fault['node'], `${where}.node`),
    ...(fault['aim'] === undefined ? {} : { aim: 'leader' as const }),
    seed: wholeIn(fault['seed'], `${where}.seed`),
  }
}

const readOperation: Read<Plan['operations'][number]> = (value, where) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`${where} is an object, got ${JSON.stringify(value)}`)
  }
  const operation = value as { readonly [field: string]: Json }
  return { ...operation, atMs: numberIn(operation['atMs'], `${where}.atMs`) }
}

const readBuggify: Read<Plan['buggify']> = (value, where) => {
  const buggify = objectIn(value, where, ['activeShare', 'fireShare', 'off'])
  return {
    activeShare: shareIn(buggify['activeShare'], `${where}.activeShare`),
    fireShare: shareIn(buggify['fireShare'], `${where}.fireShare`),
    off: listOf(textIn)(buggify['off'], `${where}.off`),
  }
}

const readKnobs: Read<Plan['knobs']> = (value, where) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`${where} is an object, got ${JSON.stringify(value)}`)
  }
  return value as Plan['knobs']
}

const readPlan: Read<Plan> = (value, where) => {
  const plan = objectIn(value, where, [
    'version',
    'scenario',
    'seed',
    'nodes',
    'chaosMs',
    'knobs',
    'faults',
    'operations',
    'aims',
    'buggify',
  ])
  if (plan['version'] !== 1) throw new SyntaxError(`${where}.version is 1, got ${JSON.stringify(plan['version'])}`)
  return {
    version: 1,
    scenario: textIn(plan['scenario'], `${where}.scenario`),
    seed: wholeIn(plan['seed'], `${where}.seed`),
    nodes: countIn(plan['nodes'], `${where}.nodes`),
    chaosMs: numberIn(plan['chaosMs'], `${where}.chaosMs`),
    knobs: readKnobs(plan['knobs'], `${where}.knobs`),
    faults: listOf(readFault)(plan['faults'], `${where}.faults`),
    operations: listOf(readOperation)(plan['operations'], `${where}.operations`),
    aims: readAims(plan['aims'], `${where}.aims`),
    buggify: readBuggify(plan['buggify'], `${where}.buggify`),
  }
}

/**
 * Reads what {@link formatStory} has written. A text that is no story throws a SyntaxError that says which part of it is
 * wrong; so does a field that no story has, since a misspelt one would change nothing and nobody would notice. Whether the scenario
 * understands the plan is for `assertPlan` to say.
 */
export function parseStory(text: string): Story {
  const story = objectIn(readJson(text), 'story', ['version', 'name', 'rule', 'message', 'commit', 'plan'])
  if (story['version'] !== 1) throw new SyntaxError(`story.version is 1, got ${JSON.stringify(story['version'])}`)
  return {
    name: textIn(story['name'], 'story.name'),
    rule: textIn(story['rule'], 'story.rule'),
    message: textIn(story['message'], 'story.message'),
    commit: textIn(story['commit'], 'story.commit'),
    plan: readPlan(story['plan'], 'story.plan'),
  }
}

/** A story as JSON, with each fault, crash and operation in a line of its own, so that a difference can be read. */
export function formatStory({ name, rule, message, commit, plan }: Story): string {
  const { version, scenario, seed, nodes, chaosMs, knobs, faults, operations, aims, buggify } = plan
  const head = Object.entries({ version: 1, name, rule, message, commit }).map(field('  '))
  const planHead = Object.entries({ version, scenario, seed, nodes, chaosMs, knobs }).map(field('    '))
  const aimed =
    aims.type === 'drawn'
      ? JSON.stringify(aims)
      : `{\n      "type": "exactly",\n      "crashes": ${lines(aims.crashes, '      ')}\n    }`
  const parts = [
    ...planHead,
    `    "faults": ${lines(faults, '    ')}`,
    `    "operations": ${lines(operations, '    ')}`,
    `    "aims": ${aimed}`,
    `    "buggify": ${JSON.stringify(buggify)}`,
  ]
  return `{\n${head.join(',\n')},\n  "plan": {\n${parts.join(',\n')}\n  }\n}\n`
}

function field(indent: string): (entry: [name: string, value: unknown]) => string {
  return ([name, value]) => `${indent}${JSON.stringify(name)}: ${JSON.stringify(value)}`
}

function lines(items: readonly unknown[], indent: string): string {
  if (items.length === 0) return '[]'
  return `[\n${items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`
}

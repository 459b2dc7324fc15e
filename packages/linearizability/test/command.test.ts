import {
  formatHistory,
  formatTransactions,
  type HistoryEvent,
  MODEL_NAMES,
  type TransactionEvent,
} from '@dsys/linearizability'
import { describe, expect, test } from 'vitest'
import { type CommandWorld, type ExitCode, runCommand, USAGE } from '../src/command.ts'
import { history, inSequence, ok, together } from './events.ts'

const write = (value: number) => ok('a', { op: 'write', value })
const GOOD = history(inSequence(write(1), ok('b', { op: 'read' }, 1)))
const BAD = history(inSequence(write(1), ok('b', { op: 'read' }, null)))
const HARD = history(together(...Array.from({ length: 9 }, (_, value) => ok(`c${value}`, { op: 'enqueue', value }))), [
  ...inSequence(ok('d', { op: 'dequeue' }, { value: 8 }), ok('d', { op: 'dequeue' }, { value: 8 })),
])
const STALE: TransactionEvent[] = [
  { type: 'invoke', process: 0, value: [['append', 'x', 1]] },
  { type: 'ok', process: 0, value: [['append', 'x', 1]] },
  { type: 'invoke', process: 1, value: [['r', 'x']] },
  { type: 'ok', process: 1, value: [['r', 'x', []]] },
]

const FILES: Readonly<Record<string, string>> = {
  'good.jsonl': formatHistory(GOOD, { model: 'register' }),
  'bad.jsonl': formatHistory(BAD, { model: 'register' }),
  'unnamed.jsonl': formatHistory(GOOD),
  'hard.jsonl': formatHistory(HARD, { model: 'queue' }),
  'broken.jsonl': `${formatHistory(GOOD)}{`,
  'transactions.jsonl': formatTransactions(STALE),
  'serial.jsonl': formatTransactions(STALE.slice(0, 2)),
}

interface Run {
  readonly code: ExitCode
  readonly printed: string
  readonly complained: string
  readonly written: Readonly<Record<string, string>>
}

async function run(line: string, { stdin = '', readOnly = false } = {}): Promise<Run> {
  const seen = { printed: '', complained: '' }
  const written: Record<string, string> = {}
  const world: CommandWorld = {
    read: async (path) => {
      const text = path === '-' ? stdin : FILES[path]
      if (text === undefined) throw new Error('no such file')
      return text
    },
    write: async (path, text) => {
      if (readOnly) throw new Error('read-only file system')
      written[path] = text
    },
    print: (text) => {
      seen.printed += text
    },
    complain: (text) => {
      seen.complained += text
    },
  }
  const code = await runCommand(
    line.split(' ').filter((word) => word !== ''),
    world,
  )
  return { code, ...seen, written }
}

describe('dsys-check linearizable', () => {
  test('0 when there is an order', async () => {
    expect(await run('linearizable good.jsonl')).toEqual({
      code: 0,
      printed: expect.stringMatching(
        /^The history is linearizable for the model register \(2 operations, 1 part, \d+ steps\)\.\n$/,
      ),
      complained: '',
      written: {},
    })
  })

  test('1 when there is none, with the reason and the page', async () => {
    const { code, printed, written } = await run('linearizable --html page.html bad.jsonl')
    expect(code).toBe(1)
    expect(printed).toMatch(/^The history is not linearizable \(.*\)\.\nThe part "x" is not linearizable for .*\n$/)
    expect(Object.keys(written)).toEqual(['page.html'])
    expect(written['page.html']).toMatch(/^<!doctype html>/)
  })

  test('the page does not take the place of the history', async () => {
    const { code, complained, written } = await run('linearizable --html bad.jsonl bad.jsonl')
    expect({ code, written }).toEqual({ code: 3, written: {} })
    expect(complained).toContain('--html would overwrite the history bad.jsonl.')
    expect((await run('transactions --model register --html serial.jsonl serial.jsonl')).code).toBe(3)
  })

  test('no page when there is no failure to show', async () => {
    expect(await run('linearizable --html page.html good.jsonl')).toMatchObject({ code: 0, written: {} })
  })

  test('2 when the budget is used up', async () => {
    const { code, printed } = await run('linearizable hard.jsonl --budget 1000')
    expect(code).toBe(2)
    expect(printed).toMatch(/^Undecided: the budget was used up .*Not decided: "x"\. A higher --budget may decide\.\n$/)
  })

  test('the standard input is -', async () => {
    expect((await run('linearizable -', { stdin: FILES['bad.jsonl'] as string })).code).toBe(1)
    expect((await run('linearizable -', { stdin: FILES['good.jsonl'] as string })).code).toBe(0)
  })

  test('--model goes before the name in the file, and is needed when there is none', async () => {
    const missing = await run('linearizable unnamed.jsonl')
    expect(missing).toMatchObject({ code: 3, printed: '' })
    expect(missing.complained).toContain(`The models are ${MODEL_NAMES.join(', ')}.`)
    expect((await run('linearizable unnamed.jsonl --model cas-register')).code).toBe(0)
    expect((await run('linearizable good.jsonl --model=set')).complained).toMatch(/^DSYS_HISTORY_MODEL line 2: /)
    expect((await run('linearizable good.jsonl --model nonsense')).complained).toMatch(/^There is no model "nonsense"/)
  })

  test('prints JSON when asked', async () => {
    const { code, printed } = await run('linearizable --json bad.jsonl')
    expect(code).toBe(1)
    expect(JSON.parse(printed)).toMatchObject({
      verdict: 'not-linearizable',
      model: 'register',
      partitions: [{ name: 'x', verdict: 'not-linearizable' }],
      failure: { partition: 'x', prefixEvents: 4, smallest: true, operation: 1, placed: [0], unplaced: [1] },
    })
    expect(JSON.parse((await run('linearizable --json good.jsonl')).printed)).not.toHaveProperty('failure')
  })

  test('3 when a line is wrong, with its number', async () => {
    const { code, printed, complained } = await run('linearizable broken.jsonl --model register')
    expect({ code, printed }).toEqual({ code: 3, printed: '' })
    expect(complained).toMatch(/^DSYS_HISTORY_FORMAT line 6: is not JSON/)
    const twice = [...GOOD, ...GOOD] as HistoryEvent[]
    const order = await run('linearizable --model register -', { stdin: formatHistory(twice) })
    expect(order).toMatchObject({ code: 3, complained: expect.stringMatching(/^DSYS_HISTORY_ORDER line 6: /) })
  })
})

describe('dsys-check transactions', () => {
  test('0 when nothing speaks against the promise, 1 when something does', async () => {
    expect(await run('transactions --model list-append serial.jsonl')).toMatchObject({ code: 0, complained: '' })
    const stale = await run('transactions --model list-append transactions.jsonl --html page.html')
    expect(stale.code).toBe(1)
    expect(stale.printed).toContain('G-single-realtime (1)')
    expect(stale.written['page.html']).toContain('<h2>G-single-realtime</h2>')
  })

  test('real time can be declined', async () => {
    const line = 'transactions --model list-append transactions.jsonl'
    expect((await run(`${line} --real-time`)).code).toBe(1)
    expect((await run(`${line} --no-real-time`)).code).toBe(0)
    expect((await run(`${line} --expected serializable`)).code).toBe(0)
  })

  test('prints JSON when asked', async () => {
    const { printed } = await run('transactions --model list-append --json transactions.jsonl')
    expect(JSON.parse(printed)).toMatchObject({ valid: false, counts: { 'G-single-realtime': 1 } })
  })

  test('3 when the model is not that of the history, or the options do not fit', async () => {
    const model = await run('transactions --model register transactions.jsonl')
    expect(model).toMatchObject({ code: 3, printed: '' })
    expect(model.complained).toMatch(/^DSYS_HISTORY_TRANSACTIONS line 1: /)
    const line = 'transactions --model list-append transactions.jsonl'
    for (const options of ['--expected best', '--linearizable-keys', '--no-real-time --expected strict-serializable']) {
      const result = await run(`${line} ${options}`)
      expect(result).toMatchObject({ code: 3, printed: '', complained: expect.stringContaining('do not fit') })
    }
    expect((await run('transactions --model set transactions.jsonl')).code).toBe(3)
  })
})

describe('dsys-check', () => {
  test('--help prints how to use it, in lines of 80 characters at most, with every model', async () => {
    expect(await run('--help')).toEqual({ code: 0, printed: USAGE, complained: '', written: {} })
    expect((await run('transactions -h')).code).toBe(0)
    for (const line of USAGE.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    for (const name of MODEL_NAMES) expect(USAGE).toContain(name)
  })

  test.each([
    ['', 'What to check is missing.'],
    ['lineariseable good.jsonl', 'There is no check "lineariseable".'],
    ['linearizable', 'The file is missing.'],
    ['linearizable good.jsonl bad.jsonl', 'One file at a time.'],
    ['linearizable good.jsonl --fast', "Unknown option '--fast'"],
    ['linearizable good.jsonl --model', "'--model <value>' argument missing"],
    ['linearizable good.jsonl --budget 0', '--budget must be a whole number of 1 or more, and is "0".'],
    ['linearizable good.jsonl --budget 1e99', '--budget must be a whole number'],
    ['transactions transactions.jsonl', '--model is missing: list-append or register.'],
    ['transactions --model register', 'The file is missing.'],
  ])('3 for wrong use: %s', async (line, why) => {
    const { code, printed, complained } = await run(line)
    expect({ code, printed }).toEqual({ code: 3, printed: '' })
    expect(complained).toContain(why)
    expect(complained.endsWith(USAGE)).toBe(true)
  })

  test('3 when the file cannot be read', async () => {
    const expected = { code: 3, printed: '', complained: 'none.jsonl cannot be read: no such file\n' }
    expect(await run('linearizable none.jsonl')).toMatchObject(expected)
  })

  test('3 when the page cannot be written, though the verdict is printed', async () => {
    const { code, printed, complained } = await run('linearizable --html page.html bad.jsonl', { readOnly: true })
    expect(code).toBe(3)
    expect(printed).toContain('The history is not linearizable')
    expect(complained).toBe('page.html cannot be written: read-only file system\n')
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ANOMALY_KINDS } from '../../src/transactions/anomalies.ts'
import { checkTransactions } from '../../src/transactions/check.ts'
import { checkTransactionsText } from '../../src/transactions/command.ts'
import { type MicroOperation, type TransactionEvent, TransactionHistoryError } from '../../src/transactions/history.ts'
import { formatTransactions, parseTransactions } from '../../src/transactions/json-lines.ts'
import { ruledOutModels } from '../../src/transactions/models.ts'
import { drawTransactionReport } from '../../src/transactions/picture.ts'
import { TransactionRecorder } from '../../src/transactions/recorder.ts'
import { formatTransactionReport } from '../../src/transactions/report.ts'
import { generate } from './generate.ts'
import { append, fail, inSequence, ok, read, together, write } from './histories.ts'

const SKEW = together(ok(0, read('x', []), append('y', 1)), ok(1, read('y', []), append('x', 1)))

describe('JSON lines', () => {
  test('a history comes back as it was', () => {
    const events = generate({
      seed: 5,
      model: 'register',
      transactions: 40,
      processes: 5,
      keys: 3,
      operations: 3,
      store: 'dirty',
      fail: 20,
      lose: 20,
    })
    const back = parseTransactions(formatTransactions(events)).map(({ line, ...event }, i) => {
      expect(line).toBe(i + 1)
      return event
    })
    expect(back).toEqual(
      events.map((event) => ({ ...event, value: event.value?.map(([f, key, value]) => [f, key, value]) })),
    )
    const jepsen = formatTransactions(events, { unknownAs: 'info' })
    expect(jepsen).toContain('"type":"info"')
    expect(parseTransactions(jepsen)).toEqual(parseTransactions(formatTransactions(events)))
  })

  test('the example of TRANSACTIONS-FORMAT.md is read, and is what is written', () => {
    const page = readFileSync(new URL('../../TRANSACTIONS-FORMAT.md', import.meta.url), 'utf8')
    const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    expect(formatTransactions(parseTransactions(example))).toBe(example)
    expect(checkTransactions(parseTransactions(example), { model: 'list-append' })).toMatchObject({
      valid: true,
      transactions: { total: 2, ok: 1, unknown: 1, seen: 0 },
    })
  })

  test('other events, other fields, long names and empty lines are no matter', () => {
    const text = [
      '{"type":"info","process":"nemesis","f":"start","value":"partition"}',
      '',
      '{"type":"invoke","process":0,"f":"txn","value":[["write","x",1],["read","x",null]],"time":12}',
      '{"type":"ok","process":0,"value":[["w","x",1],["r","x",1]],"time":13,"error":null}\r',
    ].join('\n')
    expect(parseTransactions(text)).toEqual([
      {
        type: 'invoke',
        process: 0,
        value: [
          ['w', 'x', 1],
          ['r', 'x', undefined],
        ],
        line: 3,
      },
      {
        type: 'ok',
        process: 0,
        value: [
          ['w', 'x', 1],
          ['r', 'x', 1],
        ],
        line: 4,
      },
    ])
  })

  test.each([
    ['{"type":', 'is not JSON'],
    ['[1]', 'is not an object'],
    ['{"type":"done","process":0,"value":[]}', '"type" is "done"'],
    ['{"type":"toString","process":0,"value":[]}', '"type" is "toString"'],
    ['{"process":0,"value":[]}', '"type" is missing'],
    ['{"type":"invoke","value":[]}', '"process" is missing'],
    ['{"type":"invoke","process":0}', 'no "value"'],
    ['{"type":"invoke","process":0,"value":{}}', 'it is the list of operations'],
    ['{"type":"invoke","process":0,"value":[["x"]]}', 'is not [function, key, value]'],
    ['{"type":"invoke","process":0,"value":[["cas","x",1]]}', 'is neither'],
    ['{"type":"invoke","process":0,"value":[["w",null,1]]}', 'the key of'],
    ['{"type":"invoke","process":0,"value":[["w","x",null]]}', 'the value of'],
    ['{"type":"invoke","process":0,"value":[["r","x",{"a":1}]]}', 'the result of'],
    ['{"index":0,"type":"invoke","process":1,"value":[]}', '"index" is 0 after 7'],
    ['{"type":"invoke","process":0,"value":[["w","x",9007199254740993]]}', 'the number 9007199254740993, which'],
    [`{"type":"invoke","process":0,"value":${'['.repeat(9999)}${']'.repeat(9999)}}`, 'more than 100 levels'],
    ['{"index":"8","type":"invoke","process":1,"value":[]}', '"index" is not a number'],
  ])('%s', (line, why) => {
    const text = `{"index":7,"type":"invoke","process":9,"value":[]}\n\n${line}\n`
    expect(() => parseTransactions(text)).toThrow(TransactionHistoryError)
    expect(() => parseTransactions(text)).toThrow('line 3: ')
    expect(() => parseTransactions(text)).toThrow(why)
  })
})

test('a mark at the beginning is no matter, and a message shows no more than can be read', () => {
  const event = '{"type":"invoke","process":0,"value":[]}'
  expect(parseTransactions(`\uFEFF${event}\r\n`)).toEqual(parseTransactions(event))
  let message = ''
  try {
    parseTransactions(JSON.stringify({ type: 'invoke', process: ['x'.repeat(100_000)] }))
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toContain('it is a number or a string')
  expect(message.length).toBeLessThan(300)
})

describe('histories that contradict themselves', () => {
  const [invoke, done] = inSequence(ok(0, write('x', 1), read('y', 2))) as [TransactionEvent, TransactionEvent]
  test.each<[string, TransactionEvent[], string]>([
    ['two at once', [invoke, invoke], 'event 1: the process 0 has a transaction under way'],
    ['a completion without a beginning', [done], 'event 0: the process 0 has no transaction under way'],
    ['another operation', [invoke, { ...done, value: [read('x', 1), read('y', 2)] }], 'the invocation has ["w","x",1]'],
    [
      'another value',
      [invoke, { ...done, value: [write('x', 2), read('y', 2)] }],
      'where the completion has ["w","x",2]',
    ],
    ['too few operations', [invoke, { ...done, value: [write('x', 1)] }], 'where the completion has nothing'],
    ['no results', [invoke, { type: 'ok', process: 0 }], 'no "value" with their results'],
    ['a value twice', inSequence(ok(0, write('x', 1)), fail(1, write('x', 1))), 'is written by T1 and by T2'],
    ['a value twice in one', inSequence(ok(0, write('x', 1), write('x', 1))), 'is written by T1 twice'],
    ['an append to a register', inSequence(ok(0, append('x', 1))), 'does not belong to the model register'],
    ['a list in a register', inSequence(ok(0, read('x', [1]))), 'does not belong to the model register'],
  ])('%s', (_, events, why) => {
    expect(() => checkTransactions(events, { model: 'register' })).toThrow(TransactionHistoryError)
    expect(() => checkTransactions(events, { model: 'register' })).toThrow(why)
  })

  test('a history from a file names the line', () => {
    const events = parseTransactions(`\n${formatTransactions(inSequence(ok(0, write('x', 1)), ok(0, write('x', 1))))}`)
    const error = { code: 'DSYS_HISTORY_TRANSACTIONS', line: 4, retryable: false, outcome: 'not-applied' }
    expect(() => checkTransactions(events, { model: 'register' })).toThrow(expect.objectContaining(error))
  })

  test('the same value in another key, or of another type, is another', () => {
    const events = inSequence(ok(0, write('x', 1), write('y', 1), ['w', 'x', '1']), ok(0, ['r', 'x', '1']))
    expect(checkTransactions(events, { model: 'register' }).counts).toEqual({})
  })
})

test('options out of range', () => {
  const wrong = (options: object): unknown =>
    expect(() => checkTransactions([], { model: 'register', ...options } as never))
  for (const options of [
    { model: 'set' },
    { order: 'time' },
    { expected: 'best-effort' },
    { maxExamples: 0 },
    { model: 'list-append', linearizableKeys: true },
    { order: 'none', expected: 'strict-serializable' },
    { order: 'process', expected: 'strong-read-committed' },
    { order: 'none', expected: 'strong-session-serializable' },
  ])
    (wrong(options) as { toThrow: (type: unknown) => void }).toThrow(RangeError)
})

describe('the recorder', () => {
  test('records transactions whose operations become known as they go', () => {
    const recorder = new TransactionRecorder()
    const first = recorder.invoke('a')
    const second = recorder.invoke('b', [read('x')])
    first.note(read('x'))
    first.note(append('x', 1))
    second.ok([read('x', [1])])
    expect(() => recorder.invoke('a')).toThrow(RangeError)
    recorder.end()
    expect(() => first.ok()).toThrow(RangeError)
    expect(() => first.note(read('x'))).toThrow(RangeError)
    expect(recorder.toJsonLines()).toBe(formatTransactions(recorder.events()))
    expect(recorder.events().map(({ type }) => type)).toEqual(['invoke', 'invoke', 'ok', 'unknown'])
    expect(checkTransactions(recorder.events(), { model: 'list-append' })).toMatchObject({
      counts: {},
      transactions: { unknown: 1, seen: 1 },
    })
  })
})

describe('what programs hand over', () => {
  test('is copied, since a store may go on changing the list that it returned', () => {
    const recorder = new TransactionRecorder()
    const list = [1]
    const operations: MicroOperation[] = [append('x', 1)]
    const first = recorder.invoke('a', operations)
    operations.push(append('x', 2))
    first.ok()
    recorder.invoke('b', [read('x')]).ok([read('x', list)])
    list.push(2)
    expect(recorder.events().map(({ value }) => value)).toEqual([
      [append('x', 1)],
      [append('x', 1)],
      [read('x')],
      [read('x', [1])],
    ])
  })

  test('null is the initial state, and what is no number and no text is refused', () => {
    const recorder = new TransactionRecorder()
    recorder.invoke('a', [read('x')]).ok([['r', 'x', null as never]])
    expect(recorder.events()[1]?.value).toEqual([['r', 'x', undefined]])
    const pending = recorder.invoke('a')
    for (const bad of [Number.NaN, undefined, {}, true, Number.POSITIVE_INFINITY]) {
      const operation = ['w', 'x', bad as never] as const
      expect(() => pending.ok([operation])).toThrow(TypeError)
      expect(() => pending.note(operation)).toThrow(TypeError)
      expect(() => pending.ok([['r', bad as never, 1]])).toThrow(TypeError)
      expect(() => recorder.invoke('b', [operation])).toThrow(TypeError)
      const invoke: TransactionEvent = { type: 'invoke', process: 0, value: [operation] }
      expect(() => checkTransactions([invoke], { model: 'register' })).toThrow(TransactionHistoryError)
    }
    pending.ok()
    expect(recorder.events()).toHaveLength(4)
  })
})

test('a transaction may be long', () => {
  const appends = Array.from({ length: 50_000 }, (_, value) => append('x', value))
  const list = appends.map((_, value) => value)
  const events = inSequence(ok(0, ...appends), ok(1, read('x', list)), ok(2, read('x', list.slice(1))))
  expect(Object.keys(checkTransactions(events, { model: 'list-append' }).counts)).toContain('incompatible-order')
})

describe('the report', () => {
  test('says what is wrong in whole sentences, and keeps to the number of examples', () => {
    const report = checkTransactions(SKEW, { model: 'list-append' })
    expect(report.anomalies[0]?.explanation).toBe(
      'These transactions read what others of them changed at the same time, and none saw the other. ' +
        'T1 read [] of "x" without the 1 that T2 appended, which no read saw. ' +
        'T2 read [] of "y" without the 1 that T1 appended, which no read saw. So T1 before T2 before T1, which cannot be.',
    )
    expect(formatTransactionReport(report)).toBe(`The history is not strict-serializable.
2 transactions over lists: 2 ok, 0 failed. Real time was taken into account.
Ruled out: repeatable-read, and so serializable, strong-session-serializable, strict-serializable.
Not ruled out: strong-snapshot-isolation.

G2-item (1)
  A cycle with anti-dependencies in a row, as in write skew.

  These transactions read what others of them changed at the same time, and none saw the other:
    T1 -rw-> T2  T1 read [] of "x" without the 1 that T2 appended, which no read saw.
    T2 -rw-> T1  T2 read [] of "y" without the 1 that T1 appended, which no read saw.
    So T1 before T2 before T1, which cannot be.
`)
    const many = inSequence(...[1, 2, 3].map((n) => ok(n, read('x', [n * 100]))))
    const limited = checkTransactions(many, { model: 'list-append', maxExamples: 2 })
    expect(limited.counts['thin-air-read']).toBe(3)
    expect(limited.anomalies.filter(({ kind }) => kind === 'thin-air-read')).toHaveLength(2)
    expect(formatTransactionReport(limited)).toContain('thin-air-read (2 of 3 shown)')
  })

  test('is plain data', () => {
    const report = checkTransactions(SKEW, { model: 'list-append' })
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  test('the page is one file, and no text of the history is part of its markup', () => {
    const nasty = '<script>alert("1")</script>&\''
    const events = together(
      ok(`p${nasty}`, read(nasty, []), ['append', 'y', nasty]),
      ok(1, read('y', []), append(nasty, 1)),
      ok(2, ['r', nasty, [nasty, 1]], ['r', 'y', [nasty]]),
    )
    const report = checkTransactions(events, { model: 'list-append' })
    expect(report.anomalies.map(({ kind }) => kind)).toEqual(['thin-air-read', 'G2-item'])
    const page = drawTransactionReport(events, report)
    expect(page).not.toContain('<script')
    expect(page.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(5)
    expect(page).not.toMatch(/(?:src|href)=|url\((?!#)|https?:/)
    expect(page.match(/<circle/g)).toHaveLength(2)
    expect(page.match(/<path class="rw"/g)).toHaveLength(2)
    expect(page).toContain('T1 rw T2, T2 rw T1')
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(page.match(/<dt class="\w+">/g)).toEqual(['<dt class="rw">'])
  })

  test('no text of a circle lies on a transaction or on another text, or beyond the edge', () => {
    for (const length of [2, 3, 5, 12, 30]) {
      const ring = Array.from({ length }, (_, i) => {
        const next = append(`${'k'.repeat(30)}${(i + 1) % length}`, i)
        return ok(i, read(`${'k'.repeat(30)}${i}`, []), next)
      })
      const events = together(...ring)
      const page = drawTransactionReport(events, checkTransactions(events, { model: 'list-append' }))
      const [left = 0, top = 0, width = 0, height = 0] = (/viewBox="([^"]+)" width/.exec(page)?.[1] ?? '')
        .split(' ')
        .map(Number)
      const circles = [...page.matchAll(/<circle cx="([^"]+)" cy="([^"]+)"/g)].map(([, x, y]) => {
        return { from: Number(x) - 20, to: Number(x) + 20, top: Number(y) - 20, bottom: Number(y) + 20 }
      })
      const found = page.matchAll(/<text class="rw" x="([^"]+)" y="([^"]+)" style="text-anchor: (\w+)">([^<]+)</g)
      const texts = [...found].map(([, x, y, anchor, text = '']) => {
        const size = text.length * 7
        const from = Number(x) - (anchor === 'start' ? 0 : anchor === 'end' ? size : size / 2)
        return { from, to: from + size, top: Number(y) - 6, bottom: Number(y) + 6 }
      })
      expect([circles.length, texts.length]).toEqual([length, length])
      texts.forEach((text, i) => {
        expect(text.from).toBeGreaterThanOrEqual(left)
        expect(text.to).toBeLessThanOrEqual(left + width)
        expect(text.top).toBeGreaterThanOrEqual(top)
        expect(text.bottom).toBeLessThanOrEqual(top + height)
        for (const other of [...circles, ...texts.slice(i + 1)]) {
          const beside = text.to < other.from || other.to < text.from
          expect([length, i, beside || text.bottom < other.top || other.bottom < text.top]).toEqual([length, i, true])
        }
      })
    }
  })
})

describe('the command', () => {
  test('0 where the history fits, 1 where it does not, 3 where it cannot be judged', () => {
    const text = formatTransactions(SKEW)
    expect(checkTransactionsText(text, { model: 'list-append' })).toMatchObject({ exitCode: 1 })
    const lenient = checkTransactionsText(text, { model: 'list-append', expected: 'snapshot-isolation' })
    expect(lenient.exitCode).toBe(0)
    expect(lenient.output).toContain(
      'Nothing in the history speaks against snapshot-isolation, although it has anomalies.',
    )
    expect(checkTransactionsText('', { model: 'register' })).toMatchObject({ exitCode: 0 })
    expect(checkTransactionsText('', { model: 'register' }).output).toContain('The history shows no anomaly')
    const broken = checkTransactionsText(`${text}{`, { model: 'list-append' })
    expect(broken.exitCode).toBe(3)
    expect(broken.output).toMatch(/^DSYS_HISTORY_TRANSACTIONS line 5: is not JSON/)
    const options = { model: 'list-append', realTime: false, expected: 'strict-serializable' } as const
    expect(checkTransactionsText(text, options)).toMatchObject({ exitCode: 3 })
  })

  test('real time is taken into account unless it is declined', () => {
    const text = formatTransactions(inSequence(ok(0, append('x', 1)), ok(1, read('x', []))))
    expect(checkTransactionsText(text, { model: 'list-append' }).exitCode).toBe(1)
    expect(checkTransactionsText(text, { model: 'list-append', realTime: false }).exitCode).toBe(0)
  })

  test('draws and writes JSON when asked', () => {
    const text = formatTransactions(SKEW)
    const plain = checkTransactionsText(text, { model: 'list-append' })
    expect(plain).not.toHaveProperty('html')
    const all = checkTransactionsText(text, { model: 'list-append', html: true, json: true })
    expect(all.html).toMatch(/^<!doctype html>/)
    expect(JSON.parse(all.output)).toMatchObject({ valid: false, counts: { 'G2-item': 1 } })
  })
})

describe('consistency models', () => {
  test('every anomaly rules out strict serializability, and what it rules out is closed upwards', () => {
    for (const kind of ANOMALY_KINDS) expect(ruledOutModels([kind])).toContain('strict-serializable')
    expect(ruledOutModels([])).toEqual([])
    expect(ruledOutModels(['G0'])).toHaveLength(16)
    expect(ruledOutModels(['G2-item-realtime'])).toEqual(['strict-serializable'])
    expect(ruledOutModels(['G-single'])).not.toContain('read-committed')
    expect(ruledOutModels(['lost-update'])).toEqual(expect.arrayContaining(['snapshot-isolation', 'repeatable-read']))
    expect(ruledOutModels(['G-nonadjacent'])).not.toContain('consistent-view')
    expect(ruledOutModels(['G2-item'])).not.toContain('snapshot-isolation')
  })

  test('plain, in a process and in real time, a class rules out less and less', () => {
    for (const name of ['G0', 'G1c', 'G-single', 'G-nonadjacent', 'G2-item'] as const) {
      const [plain, process, realTime] = (['', '-process', '-realtime'] as const).map((suffix) =>
        ruledOutModels([`${name}${suffix}`]),
      ) as [string[], string[], string[]]
      expect(plain).toEqual(expect.arrayContaining(process))
      expect(process).toEqual(expect.arrayContaining(realTime))
      expect(realTime.length).toBeLessThan(process.length)
      expect(process.length).toBeLessThan(plain.length)
    }
  })
})

import { readFileSync } from 'node:fs'
import {
  checkLinearizability,
  formatHistory,
  type HistoryEvent,
  HistoryFormatError,
  HistoryRecorder,
  MODEL_NAMES,
  modelByName,
  parseHistory,
} from '@dsys/linearizability'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { histories } from './histories.ts'
import { SPECIFICATIONS } from './specifications.ts'

const HEADER = '{"format":"dsys-history/1","model":"register"}'
const READ = '{"type":"invoke","op":0,"client":"a","key":"x","input":{"op":"read"}}'
const page = readFileSync(new URL('../HISTORY-FORMAT.md', import.meta.url), 'utf8')

describe('JSON lines', () => {
  test('every history comes back as it was, with the lines of its events', () => {
    const any = fc.oneof(...SPECIFICATIONS.map((specification) => histories(specification)))
    fc.assert(
      fc.property(any, fc.option(fc.constantFrom(...MODEL_NAMES), { nil: undefined }), (events, model) => {
        const text = formatHistory(events, model === undefined ? {} : { model })
        const lines = events.map((_, index) => index + 2)
        expect(parseHistory(text)).toEqual({ events, lines, model })
      }),
    )
  })

  test('the example of HISTORY-FORMAT.md is read, is what is written, and is linearizable', () => {
    const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    const { events, model = '' } = parseHistory(example)
    expect(formatHistory(events, { model })).toBe(example)
    const known = modelByName(model) as NonNullable<ReturnType<typeof modelByName>>
    expect(checkLinearizability(known, events)).toMatchObject({ verdict: 'linearizable', operations: 3 })
  })

  test('HISTORY-FORMAT.md has every model', () => {
    for (const name of MODEL_NAMES) expect(page).toContain(`\`${name}\``)
  })

  test('empty lines, other fields, a mark at the beginning and a missing first line are no matter', () => {
    const text = `\uFEFF\n${READ.replace('{', '{"node":"n1",')}\r\n\n{"type":"ok","op":0,"output":null,"error":null}`
    const events: HistoryEvent[] = [
      { type: 'invoke', op: 0, client: 'a', key: 'x', input: { op: 'read' } },
      { type: 'ok', op: 0, output: null },
    ]
    expect(parseHistory(text)).toEqual({ events, lines: [2, 4], model: undefined })
    expect(parseHistory('')).toEqual({ events: [], lines: [], model: undefined })
  })

  test.each([
    ['{"type":', 'is not JSON'],
    ['[]', 'is not an object'],
    ['null', 'is not an object'],
    ['{"op":1}', 'has no "type"'],
    ['{"type":"info","op":1}', 'the type is "info", and must be one of invoke, ok, fail, unknown'],
    ['{"type":"ok","output":1}', 'has no "op"'],
    ['{"type":"ok","op":"1","output":1}', '"op" must be a whole number of 0 or more, and is "1"'],
    ['{"type":"ok","op":-1,"output":1}', '"op" must be a whole number of 0 or more, and is -1'],
    ['{"type":"ok","op":1}', 'has no "output"'],
    ['{"type":"fail","op":1,"timeMs":"now"}', '"timeMs" must be a number, and is "now"'],
    ['{"type":"invoke","op":1,"key":"x","input":1}', 'has no "client"'],
    ['{"type":"invoke","op":1,"client":1,"key":"x","input":1}', '"client" must be a text, and is 1'],
    ['{"type":"invoke","op":1,"client":"a","input":1}', 'has no "key"'],
    ['{"type":"invoke","op":1,"client":"a","key":"x"}', 'has no "input"'],
    ['{"format":"dsys-history/1"}', 'has no "type"'],
  ])('%s', (line, why) => {
    const read = (): unknown => parseHistory(`${HEADER}\n\n${READ}\n${line}\n${READ}`)
    expect(read).toThrow(HistoryFormatError)
    const error = { code: 'DSYS_HISTORY_FORMAT', line: 4, retryable: false, outcome: 'not-applied' }
    expect(read).toThrow(expect.objectContaining(error))
    expect(read).toThrow(`line 4: ${why}`)
  })

  const writes = (value: string): unknown =>
    parseHistory(`{"type":"invoke","op":0,"client":"a","key":"x","input":{"op":"write","value":${value}}}`).events

  test.each(['9007199254740993', '-9007199254740993', '[1,{"a":123456789012345678}]', '1e999', '1'.repeat(400)])(
    '%s, which would be read as another number, is refused',
    (value) => expect(() => writes(value)).toThrow('line 1: has the number '),
  )

  test.each([
    '9007199254740992',
    '1152921504606846976',
    '1e300',
    '0.30000000000000004',
    '"9007199254740993 \\" 1e999"',
  ])('%s is read as it is written', (value) =>
    expect(writes(value)).toMatchObject([{ input: { value: JSON.parse(value) } }]),
  )

  test('what is too deep to be compared is refused, and whatever a recorder takes is not', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    expect(() => writes(deep(100_000))).toThrow('line 1: is more than 100 levels deep')
    const recorder = new HistoryRecorder()
    recorder.invoke('a', 'x', JSON.parse(deep(100)))
    expect(() => recorder.invoke('a', 'x', JSON.parse(deep(101)))).toThrow(TypeError)
    expect(parseHistory(formatHistory(recorder.history())).events).toEqual(recorder.history())
  })

  test('a message shows no more of a line than can be read', () => {
    const long = 'x'.repeat(100_000)
    for (const line of [`{"type":"${long}","op":1}`, `{"type":"ok","op":"${long}"}`, `{"format":"${long}"}`]) {
      let message = ''
      try {
        parseHistory(line)
      } catch (error) {
        message = (error as Error).message
      }
      expect(message.length).toBeGreaterThan(20)
      expect(message.length).toBeLessThan(300)
    }
  })

  test('another format is refused', () => {
    const read = (): unknown => parseHistory('{"format":"dsys-history/2"}\n')
    expect(read).toThrow('line 1: the format is "dsys-history/2", and only "dsys-history/1" is known')
    expect(() => parseHistory(`{"format":"dsys-history/1","model":7}`)).toThrow('"model" must be a text')
  })

  test('an error says in JSON what is a contract', () => {
    let caught: unknown
    try {
      parseHistory('{')
    } catch (error) {
      caught = error
    }
    expect(JSON.parse(JSON.stringify(caught))).toEqual({
      code: 'DSYS_HISTORY_FORMAT',
      message: expect.stringContaining('line 1: is not JSON'),
      hint: expect.stringContaining('HISTORY-FORMAT.md'),
      retryable: false,
      outcome: 'not-applied',
    })
    expect(caught).toMatchObject({ name: 'HistoryFormatError', cause: expect.any(SyntaxError) })
  })
})

import { describe, expect, test } from 'vitest'
import { parseArguments } from '../src/command-line.ts'
import { UsageError } from '../src/usage-error.ts'

const parse = (line: string) => parseArguments(line.split(' ').filter((word) => word !== ''))

describe('the arguments', () => {
  test('without any, all scenarios run from a fresh seed', () => {
    const { type, flags } = parse('')
    expect(type).toBe('sweep')
    expect(flags).toMatchObject({ scenario: 'all', knobs: {}, hangSeconds: 120 })
    expect(Object.keys(flags)).not.toContain('from')
  })

  test('of a run over many seeds', () => {
    expect(
      parse(
        '--seeds 1000 --minutes 0.5 --scenario raft --from 0 --workers 3 --report out.html --continue --twice --guard',
      ),
    ).toEqual({
      type: 'sweep',
      flags: {
        seeds: 1_000,
        minutes: 0.5,
        scenario: 'raft',
        from: 0,
        workers: 3,
        report: 'out.html',
        continue: true,
        twice: true,
        guard: true,
        hangSeconds: 120,
        knobs: {},
      },
    })
  })

  test('knobs are JSON where they can be, and text where not', () => {
    const knobs = parse(
      '--knobs batch=4 --knobs on=true --knobs mode=fast --knobs list=[1,2] --knobs text="7" --knobs a=b=c',
    )
    expect(knobs.flags).toMatchObject({
      knobs: { batch: 4, on: true, mode: 'fast', list: [1, 2], text: '7', a: 'b=c' },
    })
  })

  test.each([
    [
      'replay --scenario raft --seed 17',
      'replay',
      { scenario: 'raft', seed: 17, events: 40, knobs: {}, hangSeconds: 120 },
    ],
    ['replay a.json --events 0', 'replay', { story: 'a.json', events: 0, knobs: {}, hangSeconds: 120 }],
    [
      'explain --scenario raft --seed 17 --seconds 2 --out x.html',
      'explain',
      { scenario: 'raft', seed: 17, seconds: 2, out: 'x.html', knobs: {}, hangSeconds: 120 },
    ],
    [
      'shrink --scenario raft --seed 17 --knobs a=1 --hang-seconds 5',
      'shrink',
      { scenario: 'raft', seed: 17, minutes: 5, knobs: { a: 1 }, hangSeconds: 5 },
    ],
    ['hashes --write', 'hashes', { write: true }],
    ['hashes --seeds 200', 'hashes', { seeds: 200 }],
    ['stories', 'stories', { files: [], hangSeconds: 120 }],
    [
      'stories a.json b.json --module m.mjs',
      'stories',
      { files: ['a.json', 'b.json'], module: 'm.mjs', hangSeconds: 120 },
    ],
  ])('of %s', (line, type, flags) => {
    expect(parse(line)).toEqual({ type, flags })
  })

  test.each([
    ['--seeds 0', /--seeds.*whole number from 1/],
    ['--seeds x', /whole number/],
    ['--minutes 0', /over 0/],
    ['--from -1', /whole number|unknown/i],
    ['--from 4294967296', /whole number/],
    ['--knobs batch', /NAME=VALUE/],
    ['--knobs =4', /NAME=VALUE/],
    ['--frm 3', /unknown option/],
    ['replya --seed 3', /./],
    ['replay --seed 1.5', /whole number/],
    ['replay a.json b.json', /too many arguments/],
  ])('that are none are refused: %s', (line, problem) => {
    expect(() => parse(line)).toThrow(UsageError)
    expect(() => parse(line)).toThrow(problem)
  })

  test.each([['--help'], ['replay --help'], ['shrink -h']])('%s is help, and no mistake', (line) => {
    try {
      parse(line)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({
        name: 'UsageError',
        help: true,
        message: expect.stringContaining('Usage: npm run simulate --'),
      })
    }
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseStory } from '@dsys/simulation'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SweepReport } from '../src/report/report.ts'
import { SCENARIOS } from '../src/scenarios/scenarios.ts'
import { TINY } from './session-double.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

let work: string

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dsys-simulate-'))
})

afterAll(() => rmSync(work, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command as it was built; `onOutput` sees what it has said so far. */
async function simulate(
  args: readonly string[],
  onOutput?: (out: string, child: ChildProcess) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: work })
  let out = ''
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  child.stdout.on('data', (chunk) => {
    out += chunk
    onOutput?.(out, child)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { code, out, err }
}

const tiny = (...args: string[]): string[] => ['--module', TINY, '--scenario', 'tiny', ...args]

const reportAt = (name: string): SweepReport => JSON.parse(readFileSync(join(work, `${name}.json`), 'utf8'))

describe('a run over many seeds in threads', () => {
  test('that is good exits with 0, and leaves a report with its sums', async () => {
    const { code, out } = await simulate(
      tiny('--seeds', '50', '--from', '1', '--workers', '3', '--twice', '--report', 'good.html'),
    )
    expect([code, out]).toEqual([0, expect.stringMatching(/^tiny at commit .*, first seed 1, 3 workers\n/)])
    expect(out).toContain('50/50 seeds · 50.0 virtual hours · 150 faults · 0 violations')
    expect(reportAt('good')).toMatchObject({
      seeds: 50,
      virtualHours: 50,
      faults: 150,
      failed: 0,
      workers: 3,
      firstSeed: 1,
    })
    expect(readFileSync(join(work, 'good.html'), 'utf8')).toContain('Every promise was kept.')
  })

  test('draws fresh seeds, and says which came first', async () => {
    const firsts = new Set<string>()
    for (let i = 0; i < 2; i++) {
      const { out } = await simulate(tiny('--seeds', '1', '--report', 'fresh'))
      firsts.add(/first seed (\d+)/.exec(out)?.[1] ?? '')
    }
    expect(firsts.size).toBe(2)
  })

  test('that finds a planted failure exits with 1, and says how to replay it, which shows it again', async () => {
    const { code, out } = await simulate(
      tiny('--seeds', '50', '--from', '1', '--knobs', 'bad=17', '--report', 'bad.html'),
    )
    expect(code).toBe(1)
    expect(out).toMatch(/Broken: a planted rule, at 25\.000 ms of tiny, seed 17, commit \w+/)
    const command = /Replay it: npm run simulate -- (replay .*)/.exec(out)?.[1] ?? ''
    expect(command).toBe(`replay --scenario tiny --seed 17 --knobs bad=17 --module ${TINY}`)
    const replay = await simulate(command.split(' '))
    expect(replay.code).toBe(1)
    expect(replay.out).toContain('broken    a planted rule, at 25.000 ms: <b>seed 17</b> is bad')
    expect(reportAt('bad').failures.map(({ seed }) => seed)).toEqual([17])
    expect(reportAt('bad').seeds).toBeLessThan(50)
    const story = parseStory(readFileSync(join(work, 'bad-tiny-17.story.json'), 'utf8'))
    expect(story).toMatchObject({ rule: 'a planted rule', plan: { seed: 17, knobs: { bad: 17 } } })
  })

  test('goes on after a failure when told to', async () => {
    const { code } = await simulate(
      tiny('--seeds', '50', '--from', '1', '--knobs', 'bad=17', '--continue', '--report', 'on'),
    )
    expect([code, reportAt('on').seeds, reportAt('on').failed]).toEqual([1, 50, 1])
  })

  test.each([
    ['hangs', 'hang', 'a run ends'],
    ['ends its worker', 'exit', 'a run leaves its worker alive'],
    ['throws', 'throw', 'error TypeError'],
  ])('reports the seed that %s, and runs the others', async (_what, knob, rule) => {
    const { code } = await simulate(
      tiny(
        '--seeds',
        '20',
        '--from',
        '1',
        '--workers',
        '2',
        '--continue',
        '--hang-seconds',
        '1',
        '--knobs',
        `${knob}=7`,
        '--report',
        knob,
      ),
    )
    const { seeds, failures } = reportAt(knob)
    expect([code, seeds, failures.map(({ seed, violation }) => [seed, violation.rule])]).toEqual([1, 20, [[7, rule]]])
  })

  test('notices a run that differs the second time', async () => {
    const { code, out } = await simulate(
      tiny('--seeds', '2', '--knobs', 'random=true', '--twice', '--report', 'random'),
    )
    expect(code).toBe(1)
    expect(out).toContain('Broken: the same trace twice')
  })

  test('that is long, or guarded, is bad when something expected never occurred', async () => {
    const lame = ['--module', TINY, '--scenario', 'lame', '--report', 'lame']
    const short = await simulate([...lame, '--seeds', '10'])
    const guarded = await simulate([...lame, '--seeds', '10', '--guard'])
    const long = await simulate([...lame, '--seeds', '200'])
    expect([short.code, guarded.code, long.code]).toEqual([0, 1, 1])
    expect(long.out).toContain('never came across: fault.pause, buggify.never')
    expect(reportAt('lame').missing).toEqual([{ scenario: 'lame', names: ['fault.pause', 'buggify.never'] }])
  })

  test('runs every scenario, each as often, and ends when its minutes are over', async () => {
    const { code } = await simulate(['--module', TINY, '--seeds', '30', '--report', 'all'])
    expect([code, reportAt('all').scenarios.map(({ seeds }) => seeds)]).toEqual([0, [30, 30]])
    const timed = await simulate(tiny('--minutes', '0.01', '--report', 'timed'))
    expect([timed.code, reportAt('timed').seeds > 0]).toEqual([0, true])
  })

  test('on Ctrl-C ends its workers, says what was done, and leaves the report', async () => {
    const interrupt = (out: string, child: ChildProcess): void => {
      if (out.includes('tiny has come to seed 5') && !child.killed) child.kill('SIGINT')
    }
    const args = tiny('--minutes', '10', '--from', '1', '--workers', '1', '--knobs', 'tell=5', '--report', 'cut')
    const { code, out } = await simulate(args, interrupt)
    expect(code).toBe(130)
    expect(out).toContain('It was ended after')
    expect(reportAt('cut')).toMatchObject({ interrupted: true, failed: 0 })
    expect(reportAt('cut').seeds).toBeGreaterThanOrEqual(4)
  })

  test('without a place for its report makes a folder for it', async () => {
    const { out } = await simulate(tiny('--seeds', '1', '--from', '9'))
    const [folder = ''] = readdirSync(join(work, '.data/simulate'))
    expect(folder).toMatch(/^\d{4}-\d\d-\d\dT[\d-]+-tiny-9$/)
    expect(out).toContain(`Report: .data/simulate/${folder}/report.html`)
  })
})

describe('one run that does not end', () => {
  const SEED = ['--module', TINY, '--scenario', 'tiny', '--seed', '7']
  const HUNG = 'a run ends'
  const SOON = ['--hang-seconds', '0.5', '--knobs', 'hang=7']

  test('is ended by replay, which says how to go on', async () => {
    const { code, out } = await simulate(['replay', ...SEED, ...SOON])
    expect([code, out]).toEqual([1, expect.stringContaining(`broken    ${HUNG}: It did not end within 0.5 s`)])
    expect(out).toMatch(/^tiny, seed 7, at commit/)
    expect(out).toContain('npm run simulate -- shrink --scenario tiny --seed 7 --knobs hang=7')
  })

  test('is ended by explain, which has nothing to show', async () => {
    const { code, out } = await simulate(['explain', ...SEED, ...SOON, '--out', 'hung.html'])
    expect([code, out]).toEqual([1, expect.stringContaining(`tiny, seed 7 breaks: ${HUNG}.`)])
    expect(readdirSync(work)).not.toContain('hung.html')
  })

  test('is made smaller by shrink like any other, as far as the time goes', async () => {
    const args = ['shrink', ...SEED, ...SOON, '--minutes', '0.03', '--out', 'hung.story.json']
    const { code, out } = await simulate(args)
    expect([code, out]).toEqual([0, expect.stringContaining('it was ended before all was tried')])
    expect(parseStory(readFileSync(join(work, 'hung.story.json'), 'utf8')).rule).toBe(HUNG)
    const stories = await simulate(['stories', 'hung.story.json', '--module', TINY, '--hang-seconds', '0.5'])
    expect([stories.code, stories.out]).toEqual([
      1,
      expect.stringContaining(`BROKEN  tiny: ${HUNG}, from tiny, seed 7`),
    ])
  })

  test('is ended by Ctrl-C at once while shrink runs it, which keeps what it has', async () => {
    const interrupt = (out: string, child: ChildProcess): void => {
      if (out.includes('breaks:') && !child.killed) child.kill('SIGINT')
    }
    // The first run breaks a rule; as soon as a fault is missing, the run hangs.
    const args = ['shrink', ...SEED, '--knobs', 'bad=7', '--knobs', 'hangIfSmaller=true', '--out', 'cut.story.json']
    const { code, out } = await simulate(args, interrupt)
    expect([code, out]).toEqual([0, expect.stringContaining('it was ended before all was tried')])
    expect(parseStory(readFileSync(join(work, 'cut.story.json'), 'utf8')).rule).toBe('a planted rule')
  })

  test('that ends its thread, or throws, is told as such', async () => {
    const exit = await simulate(['replay', ...SEED, '--knobs', 'exit=7'])
    expect([exit.code, exit.out]).toEqual([1, expect.stringContaining('broken    a run leaves its worker alive')])
    const thrown = await simulate(['replay', ...SEED, '--knobs', 'throw=7'])
    expect([thrown.code, thrown.out]).toEqual([1, expect.stringMatching(/TypeError: a planted defect\n +at .*tiny/)])
  })
})

test.each([
  ['replay', ['--events', '100000']],
  ['explain', []],
])('%s ends in silence when nobody reads on, as behind a pipe to head', async (name, more) => {
  const args = [name, '--scenario', 'raft', '--seed', '3', ...more]
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: work })
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  expect([code, err]).toEqual([141, ''])
})

test.each([
  [['--scenario', 'none'], /no scenario "none"/],
  [['--seeds', 'many'], /whole number/],
  [['replay'], /Name what to run/],
  [['--module', 'missing.mjs'], /cannot be loaded/],
])('what is no call exits with 2: %j', async (args, problem) => {
  const { code, err } = await simulate(args)
  expect([code, err]).toEqual([2, expect.stringMatching(problem)])
})

test('help is no mistake', async () => {
  const { code, out } = await simulate(['--help'])
  expect([code, out]).toEqual([0, expect.stringContaining('Usage: npm run simulate --')])
})

describe.skipIf(SCENARIOS.length === 0)('dsys itself', () => {
  test('keeps its promises over a fixed set of seeds, each twice with the same trace', {
    timeout: 300_000,
  }, async () => {
    const { code, out } = await simulate(['--from', '1', '--seeds', '20', '--twice', '--report', 'dsys'])
    expect([code, out]).toEqual([0, expect.stringContaining('0 violations')])
  })
})

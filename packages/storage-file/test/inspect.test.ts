import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { DiskGate } from '@dsys/storage-memory'
import { describe, expect, test } from 'vitest'
import { type CommandWorld, runCommand } from '../src/inspect/command.ts'
import { entry, StorageOnMemory, wal } from './storage-on-memory.ts'

/** Runs the command over the disk of `world`, on which it can change nothing. */
async function run(
  world: StorageOnMemory,
  args: readonly string[],
  options: { readonly gate?: DiskGate; readonly inUseBy?: number } = {},
): Promise<{ readonly code: number; readonly output: string; readonly complaint: string }> {
  let [output, complaint] = ['', '']
  const only: DiskGate = async (operation, effect) => {
    ok(!operation.changes && operation.type !== 'lock', `${operation.type} ${operation.path}`)
    return options.gate === undefined ? effect('done') : options.gate(operation, effect)
  }
  const command: CommandWorld = {
    open: async (directory) => ({ disk: world.disk.mount({ gate: only }), base: directory, inUseBy: options.inUseBy }),
    print: (text) => {
      output += text
    },
    complain: (text) => {
      complaint += text
    },
  }
  const before = JSON.stringify(world.disk.files())
  const code = await runCommand(args, command)
  equal(JSON.stringify(world.disk.files()), before)
  return { code, output, complaint }
}

/** Two groups, a snapshot, a term that has changed, and a segment that is full. */
async function example(): Promise<StorageOnMemory> {
  const world = new StorageOnMemory()
  await world.session(async (log, storage) => {
    await log.persist({ hardState: { term: 1, votedFor: 'n1' }, entries: [1, 2, 3, 4].map((index) => entry(index)) })
    await log.saveSnapshot({ index: 2, term: 1, context: new Uint8Array(0) }, [Buffer.from('the state at 2')])
    await log.compact(2)
    const other = await storage.openGroup('other')
    await other.persist({
      hardState: { term: 7, votedFor: undefined, abstention: { throughIndex: 9, term: 6 }, incarnation: 6 },
    })
    for (const [index, text] of [
      [5, 'five'],
      [6, 'six'],
    ] as const) {
      const data = Buffer.from(text.padEnd(1_900, '.'))
      await log.persist({ hardState: { term: 2, votedFor: 'n2' }, entries: [{ ...entry(index, data), term: 2 }] })
    }
    await log.persist({ entries: [{ ...entry(7), term: 2 }] })
  })
  return world
}

function flip(world: StorageOnMemory, text: string): void {
  const file = world.disk.files().find(({ path }) => world.bytes(path).includes(text))
  ok(file, text)
  world.disk.flip({ path: file.path, position: world.bytes(file.path).indexOf(text), bit: 0 })
}

describe('dsys-wal inspect', () => {
  test('prints what stands in a sound log', async () => {
    const { code, output } = await run(await example(), ['inspect', 'n'])
    equal(code, 0)
    await expect(output).toMatchFileSnapshot('golden/inspect-sound.txt')
  })

  test('lists entries, of one group where that is asked for', async () => {
    const { code, output } = await run(await example(), ['inspect', '--entries', '--group', 'g', 'n'])
    equal(code, 0)
    await expect(output).toMatchFileSnapshot('golden/inspect-entries.txt')
  })

  test('prints the same as JSON', async () => {
    const { code, output } = await run(await example(), ['inspect', '--json', '--entries', 'n'])
    equal(code, 0)
    await expect(output).toMatchFileSnapshot('golden/inspect.json')
  })

  test('tells a torn write, which is no damage', async () => {
    const world = new StorageOnMemory()
    await world.killed((log) => log.persist({ entries: [entry(1)] }))
    world.edit(wal(1), (file) => file.fill(7, 600, 640))
    const { code, output } = await run(world, ['inspect', 'n'])
    equal(code, 0)
    match(
      output,
      /, (\d+) bytes behind it that are no whole batch\n[\s\S]*It drops the \1 bytes of a write that was cut off/,
    )
  })

  test('says where damage is, whom it harms, and what a start would do', async () => {
    const world = await example()
    flip(world, 'five....')
    const { code, output } = await run(world, ['inspect', 'n'])
    equal(code, 1)
    await expect(output).toMatchFileSnapshot('golden/inspect-damaged.txt')
  })

  test('says so when damage harms nobody, and when nobody can start', async () => {
    const harmless = await example()
    await harmless.session(async (log) => {
      await log.saveSnapshot({ index: 7, term: 2, context: new Uint8Array(0) }, [])
    })
    flip(harmless, 'six....')
    const first = await run(harmless, ['inspect', 'n'])
    equal(first.code, 1)
    ok(first.output.includes('It harms no group'), first.output)
    const refused = await example()
    const last = wal(2)
    refused.edit(last, (file) => file.fill(0, 60, 400))
    const { code, output } = await run(refused, ['inspect', '--group', 'g', 'n'])
    equal(code, 1)
    ok(output.includes(`${last}, byte 48: `) && output.includes('A start is refused'), output)
    ok(output.includes('A group that has no other voter needs a backup'), output)
  })

  test('agrees with a start about every damaged sector', async () => {
    const whole = await example()
    for (const { path, sizeBytes } of whole.disk.files()) {
      if (!/\.(wal|snap)$/.test(path)) continue
      for (let at = 0; at < sizeBytes; at += 512) {
        const world = await example()
        world.edit(path, (file) => file.fill(0, at, Math.min(at + 512, sizeBytes)))
        const { code, output } = await run(world, ['inspect', '--json', 'n'])
        const inspection = JSON.parse(output)
        const opened = await world.open().then(
          () => 'opened',
          () => 'refused',
        )
        const harmed =
          inspection.refused !== undefined || inspection.groups.find((g: { name: string }) => g.name === 'g')?.lost
        equal(opened, harmed ? 'refused' : 'opened', `byte ${at} of ${path}: ${output}`)
        equal(code, inspection.damage.length > 0 ? 1 : 0)
      }
    }
  })

  test('while a node writes, what it has seen in part is looked at again', async () => {
    const world = await example()
    const path = wal(2)
    const whole = world.bytes(path)
    let reads = 0
    const gate: DiskGate = async (operation, effect) => {
      if (operation.type === 'read' && operation.path === path && operation.position === 0) {
        // The first time a batch in the middle is not there yet.
        world.edit(path, (file) =>
          reads++ === 0 ? file.fill(0, file.indexOf('entry 7') - 40, file.indexOf('entry 7')) : whole.copy(file),
        )
      }
      return effect('done')
    }
    const { code, output } = await run(world, ['inspect', 'n'], { gate, inUseBy: 4711 })
    deepEqual([code, reads], [0, 2])
    ok(output.includes('in use by process 4711'), output)
  })

  test('says what is wrong with the way it is called, or that it could not read', async () => {
    const world = await example()
    for (const [args, says] of [
      [[], 'the command is inspect, got none'],
      [['repair', 'n'], 'the command is inspect, got repair'],
      [['inspect'], 'the directory is missing'],
      [['inspect', 'n', 'm'], 'one directory at a time'],
      [['inspect', '--fix', 'n'], "Unknown option '--fix'"],
      [['inspect', 'nowhere'], 'there is no log in nowhere'],
      [['inspect', 'n/wal'], 'give the folder above it'],
      [['inspect', '--group', 'x', 'n'], 'there is no group "x" in this log; there are: "g", "other"'],
    ] as const) {
      const { code, output, complaint } = await run(world, args)
      deepEqual([code, output], [2, ''])
      ok(complaint.includes(says), complaint)
    }
    const help = await run(world, ['--help'])
    deepEqual([help.code, help.output.startsWith('Usage:')], [0, true])
    const gate: DiskGate = async (operation, effect) => effect(operation.type === 'read' ? 'failed' : 'done')
    const failed = await run(world, ['inspect', 'n'], { gate })
    deepEqual([failed.code, failed.output], [3, ''])
    ok(failed.complaint.includes('Nothing was judged'), failed.complaint)
  })
})

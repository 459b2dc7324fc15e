import { readFile } from 'node:fs/promises'
import { json, type TimerHandle, VirtualClock } from '@dsys/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Applier, COMMAND_HEADER_BYTES, COMMAND_KIND, OPEN_SESSION_KIND, writeCommand } from '../src/applier.ts'
import { MalformedError } from '../src/bytes.ts'
import { CLIENT_COMMAND_KIND, encodeClientCommand, OPEN_CLIENT_KIND } from '../src/client-commands.ts'
import type { StateMachine } from '../src/machine.ts'
import { ContentWriter, contentOf } from '../src/snapshot-content.ts'
import { AbandonedError, TurnBudget, Turns } from '../src/turns.ts'

interface Words {
  readonly words: string[]
}

/** Adds words, and writes them one a part. */
const inParts: StateMachine<Words, string, number> = {
  initial: () => ({ words: [] }),
  apply: (state, word) => ({ state, result: state.words.push(word) }),
  snapshot: {
    freeze: ({ words }) => words.map((word) => Buffer.from(word)),
    decoder: () => {
      const words: string[] = []
      return { add: (part) => void words.push(Buffer.from(part).toString()), finish: () => ({ words }) }
    },
  },
}
const { snapshot: _, ...inOnePiece } = inParts

type WordsApplier = Applier<Words, string, number>

/** An applier that has seen two sessions and these words. */
function after(machine: StateMachine<Words, string, number>, words: readonly string[]): WordsApplier {
  const applier = new Applier(machine)
  for (const index of [1, 2]) applier.apply({ index, term: 1, kind: OPEN_SESSION_KIND, data: Uint8Array.of(index) })
  for (const [i, word] of words.entries()) add(applier, word, i)
  return applier
}

function add(applier: WordsApplier, word: string, i: number): void {
  const command = json<string>().encode(word)
  const data = new Uint8Array(COMMAND_HEADER_BYTES + command.length)
  writeCommand(data, 0, 1 + (i % 2), 1 + i, Math.max(1, i - 2), command)
  applier.apply({ index: 3 + i, term: 1, kind: COMMAND_KIND, data })
}

const turns = (): Turns => new Turns(new TurnBudget(new VirtualClock()))

async function written(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece)
  return Buffer.concat(pieces)
}

const contentAfter = (machine: StateMachine<Words, string, number>, words: readonly string[]): Promise<Buffer> =>
  written(new ContentWriter(after(machine, words).freeze(), turns()))

async function* pieces(content: Uint8Array, sizes: readonly number[] = []): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const size of sizes) {
    yield content.subarray(at, at + size)
    at += size
  }
  yield content.subarray(at)
}

async function restored(machine: StateMachine<Words, string, number>, content: AsyncIterable<Uint8Array>) {
  const applier = new Applier(machine)
  applier.adopt(9, await applier.decode(content, turns()))
  return applier
}

async function golden(version: number): Promise<Buffer> {
  const text = await readFile(new URL(`golden/snapshot-${version}.hex`, import.meta.url), 'utf8')
  return Buffer.from(text.replaceAll('\n', ''), 'hex')
}

const hexLines = (bytes: Buffer): string => `${bytes.toString('hex').replace(/(.{96})/g, '$1\n')}\n`

describe('the format of a snapshot', () => {
  test('is what it was', async () => {
    const replica = after(inParts, ['one', '', 'three'])
    const command = encodeClientCommand({ id: '1.6', sequence: 7 }, json<string>().encode('four'))
    replica.apply({ index: 6, term: 1, kind: OPEN_CLIENT_KIND, data: Uint8Array.of(1) })
    replica.apply({ index: 7, term: 1, kind: CLIENT_COMMAND_KIND, data: command.data })
    const content = await written(new ContentWriter(replica.freeze(), turns()))
    await expect(hexLines(content)).toMatchFileSnapshot('golden/snapshot-2.hex')
    const applier = await restored(inParts, pieces(await golden(2)))
    expect(applier.state).toEqual({ words: ['one', '', 'three', 'four'] })
    expect(applier.lookup(1, 3)).toEqual({ type: 'applied', result: 3 })
    expect(applier.lookupClient('1.6', 7)).toEqual({ type: 'applied', result: 4 })
  })

  test('of version 1 is still read, by a machine that has learnt to write in parts too', async () => {
    interface Sum {
      readonly total: number
      readonly applied: readonly string[]
    }
    const machine: StateMachine<Sum, never, number> = {
      initial: () => ({ total: 0, applied: [] }),
      apply: (state) => ({ state, result: 0 }),
    }
    const parts = {
      freeze: () => [],
      decoder: () => {
        const given: Uint8Array[] = []
        return {
          add: (part: Uint8Array) => void given.push(part),
          finish: () => json<Sum>().decode(Buffer.concat(given)),
        }
      },
    }
    for (const each of [machine, { ...machine, snapshot: parts }]) {
      const applier = new Applier(each)
      const decoded = await applier.decode(pieces(await golden(1), [3, 50]), turns())
      applier.adopt(5, decoded)
      expect(applier.state).toEqual({ total: 18, applied: ['a', 'b', 'c'] })
      expect(applier.lookup(1, 2)).toEqual({ type: 'applied', result: 11 })
      expect(applier.lookup(2, 1)).toEqual({ type: 'applied', result: 18 })
    }
  })

  test('comes back from any pieces, in parts or in one piece, with the checksum that its writer saw', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 20 }), { maxLength: 12 }),
        fc.array(fc.nat(40), { maxLength: 20 }),
        fc.boolean(),
        async (words, sizes, whole) => {
          const machine = whole ? inOnePiece : inParts
          const writer = new ContentWriter(after(machine, words).freeze(), turns())
          const content = await written(writer)
          expect(content.length).toBe(writer.sizeBytes)
          const applier = await restored(machine, pieces(content, sizes))
          expect(applier.state).toEqual({ words })
          expect(applier.adoptedChecksum).toBe(writer.checksum)
          expect(await written(new ContentWriter(applier.freeze(), turns()))).toEqual(content)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('a snapshot that was cut, continued or changed in any byte is refused', async () => {
    const content = await contentAfter(inParts, ['one', 'two', 'three'])
    const refused = (bytes: Uint8Array) => expect(restored(inParts, pieces(bytes))).rejects.toThrow()
    for (let at = 0; at < content.length; at++) {
      await refused(content.subarray(0, at))
      const changed = Buffer.from(content)
      changed[at] = (changed[at] as number) ^ (1 << (at % 8))
      await refused(changed)
    }
    await refused(Buffer.concat([content, Buffer.alloc(1)]))
    await expect(restored(inParts, pieces(Buffer.from([3])))).rejects.toThrow(MalformedError)
  })

  test('two snapshots of the same size and different content have different checksums', async () => {
    const checksums = new Set<number>()
    for (const word of ['aa', 'ab', 'ba', 'bb']) {
      const writer = new ContentWriter(after(inParts, [word]).freeze(), turns())
      await written(writer)
      checksums.add(writer.checksum)
    }
    expect(checksums.size).toBe(4)
  })

  test('a stored snapshot that is shorter than it says is refused', async () => {
    const meta = { index: 1, term: 1, context: new Uint8Array(0) }
    const read = async (): Promise<Uint8Array> => new Uint8Array(0)
    await expect(written(contentOf({ meta, sizeBytes: 10, read }))).rejects.toThrow('ends at 0 of 10')
  })
})

describe('P-36: a snapshot in turns', () => {
  const words = Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(50_000)}`)

  /** A clock on which something happens whenever the others have their turn. */
  class TurnClock extends VirtualClock {
    turns = 0
    readonly #others: () => void

    constructor(others: () => void) {
      super()
      this.#others = others
    }

    override afterIo(callback: () => void): TimerHandle {
      this.turns++
      this.#others()
      queueMicrotask(callback)
      return { cancel: () => undefined }
    }
  }

  test('is written while commands are applied, and holds what was there when it began', async () => {
    const applier = after(inParts, words)
    const writing = new TurnClock(() => add(applier, 'later', applier.state.words.length))
    const content = await written(new ContentWriter(applier.freeze(), new Turns(new TurnBudget(writing))))
    // 2 MB, 256 KiB a turn.
    expect(writing.turns).toBeGreaterThanOrEqual(6)
    expect(applier.state.words.length).toBe(words.length + writing.turns)
    const reading = new TurnClock(() => undefined)
    const decoded = await new Applier(inParts).decode(pieces(content), new Turns(new TurnBudget(reading)))
    expect(reading.turns).toBeGreaterThanOrEqual(6)
    expect(decoded.state.words).toEqual(words)
  })

  test('gives the others a turn by time too', async () => {
    const clock = new VirtualClock()
    const slow = new Turns(new TurnBudget(clock))
    expect(slow.spent(1)).toBeUndefined()
    clock.advance(3)
    expect(slow.spent(1)).toBeInstanceOf(Promise)
    await clock.advanceAsync(0)
    expect(slow.spent(1)).toBeUndefined()
  })

  test('shares each turn with those of other groups: one goes on at a time', async () => {
    let turnsTaken = 0
    let inThisTurn = 0
    let most = 0
    const clock = new TurnClock(() => {
      turnsTaken++
      most = Math.max(most, inThisTurn)
      inThisTurn = 0
    })
    const budget = new TurnBudget(clock)
    const work = async (): Promise<void> => {
      const own = new Turns(budget)
      for (let i = 0; i < 10; i++) {
        inThisTurn += 100_000
        await own.spent(100_000)
      }
    }
    await Promise.all(Array.from({ length: 20 }, work))
    // Each does one step before it is asked to wait; from then on a turn has three steps of one of them.
    expect(most).toBeLessThanOrEqual(20 * 100_000)
    expect(turnsTaken).toBeGreaterThan((20 * 10 * 100_000) / (4 * 100_000))
  })

  test('ends when it is given up, writing or reading', async () => {
    const writing = turns()
    const content = written(new ContentWriter(after(inParts, words).freeze(), writing))
    writing.abandon('nobody wants it')
    await expect(content).rejects.toThrow(AbandonedError)
    const reading = turns()
    const decoding = new Applier(inParts).decode(pieces(await contentAfter(inParts, ['a'])), reading)
    reading.abandon('nobody wants it')
    await expect(decoding).rejects.toThrow(AbandonedError)
  })
})

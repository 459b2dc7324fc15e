import { json, SeededRandom, VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { Applier } from '../src/applier.ts'
import { ByteReader, ByteWriter, MalformedError } from '../src/bytes.ts'
import { CLIENT_COMMAND_KIND, encodeClientCommand, isClientCommand, OPEN_CLIENT_KIND } from '../src/client-commands.ts'
import { ClientTable, MAX_CLIENT_BATCH_RESULTS, MAX_CLIENT_RESULTS, MAX_CLIENTS } from '../src/client-table.ts'
import { BatchResults } from '../src/recorded.ts'
import { SessionTable } from '../src/sessions.ts'
import { ContentWriter } from '../src/snapshot-content.ts'
import { TurnBudget, Turns } from '../src/turns.ts'

const NUMBERS = json<number>()

function copyOf(table: ClientTable<number>): ClientTable<number> {
  const copy = new ClientTable<number>()
  const { clients, clientBatches } = table.freeze(NUMBERS)
  for (const part of clients) copy.addPart(part, NUMBERS)
  for (const part of clientBatches) copy.addBatchPart(part, NUMBERS)
  return copy
}

describe('the table of clients', () => {
  test('answers a command that comes again with its first result, in whatever order they came', () => {
    const table = new ClientTable<number>()
    table.open('1.7')
    for (const sequence of [3, 1, 2]) {
      expect(table.lookup('1.7', sequence)).toEqual({ type: 'new' })
      table.touch('1.7', 0)
      table.record('1.7', sequence, sequence * 10)
    }
    expect([1, 2, 3].map((sequence) => table.lookup('1.7', sequence))).toEqual(
      [10, 20, 30].map((result) => ({ type: 'applied', result })),
    )
  })

  test('does not know a client that was never opened', () => {
    const table = new ClientTable<number>()
    table.touch('1.7', 5)
    table.record('1.7', 1, 1)
    expect(table.size).toBe(0)
    expect(table.lookup('1.7', 1)).toEqual({ type: 'client-forgotten' })
  })

  test('forgets what the client has seen, and applies nothing there any more', () => {
    const table = new ClientTable<number>()
    table.open('1.7')
    for (const sequence of [1, 2, 4]) table.record('1.7', sequence, sequence)
    table.touch('1.7', 3)
    expect([1, 2, 3].map((sequence) => table.lookup('1.7', sequence).type)).toEqual(Array(3).fill('result-forgotten'))
    expect(table.lookup('1.7', 4)).toEqual({ type: 'applied', result: 4 })
    // A command that comes late says less.
    table.touch('1.7', 1)
    expect(table.lookup('1.7', 3).type).toBe('result-forgotten')
  })

  test('keeps the highest results of a client up to the limit, and never applies what was below', () => {
    const table = new ClientTable<number>()
    table.open('1.7')
    // The second is under way while many others pass it.
    for (let sequence = 1; sequence <= MAX_CLIENT_RESULTS + 2; sequence++)
      if (sequence !== 2) table.record('1.7', sequence, sequence)
    expect(table.lookup('1.7', 1)).toEqual({ type: 'result-forgotten' })
    expect(table.lookup('1.7', 2)).toEqual({ type: 'new' })
    table.record('1.7', MAX_CLIENT_RESULTS + 3, 0)
    expect(table.lookup('1.7', 2)).toEqual({ type: 'result-forgotten' })
    expect(table.lookup('1.7', 4)).toEqual({ type: 'applied', result: 4 })
  })

  test('counts the results of a batch one by one, and keeps those of the newest whatever their number', () => {
    const batch = (count: number): BatchResults<number> => new BatchResults(Array.from({ length: count }, () => 0))
    const whole = new ClientTable<number>()
    whole.open('1.7')
    for (const sequence of [1, 2]) whole.record('1.7', sequence, batch(MAX_CLIENT_BATCH_RESULTS / 2))
    for (const table of [whole, copyOf(whole)]) {
      expect(table.lookup('1.7', 1).type).toBe('applied')
      table.record('1.7', 3, batch(1))
      expect([1, 2, 3].map((each) => table.lookup('1.7', each).type)).toEqual([
        'result-forgotten',
        'applied',
        'applied',
      ])
      table.record('1.7', 4, batch(MAX_CLIENT_BATCH_RESULTS + 1))
      expect(table.lookup('1.7', 3).type).toBe('result-forgotten')
      expect(table.lookup('1.7', 4).type).toBe('applied')
    }
  })

  test('forgets the client that was used least lately when there are too many', () => {
    const table = new ClientTable<number>()
    for (let i = 1; i <= MAX_CLIENTS; i++) table.open(`1.${i}`)
    table.touch('1.1', 0)
    table.open('2.9999')
    expect(table.size).toBe(MAX_CLIENTS)
    expect(table.lookup('1.1', 1).type).toBe('new')
    expect(table.lookup('1.2', 1).type).toBe('client-forgotten')
    // The order of use is part of the state: nodes that have it from a snapshot forget the same ones.
    const copy = copyOf(table)
    for (const each of [table, copy]) each.open('2.10000')
    expect(copy.lookup('1.3', 1)).toEqual(table.lookup('1.3', 1))
    expect(copy.lookup('1.1', 1)).toEqual({ type: 'new' })
  })

  test('against a model: of each client and sequence one result is told, whatever comes, copied at any time', () => {
    const random = new SeededRandom(5)
    let table = new ClientTable<number>()
    const first = new Map<string, number>()
    for (const id of ['1.1', '1.2', '1.3']) table.open(id)
    for (let step = 1; step <= 4_000; step++) {
      const id = `1.${random.integer(1, 4)}`
      const sequence = random.integer(1, 401)
      const known = table.lookup(id, sequence)
      table.touch(id, random.float() < 0.05 ? random.integer(0, sequence) : 0)
      const key = `${id} ${sequence}`
      if (known.type === 'new') {
        expect(first.has(key)).toBe(false)
        first.set(key, step)
        table.record(id, sequence, step)
      } else if (known.type === 'applied') expect(known.result).toBe(first.get(key))
      if (step % 500 === 0) table = copyOf(table)
    }
    expect(first.size).toBeGreaterThan(300)
  })

  test('is refused when it cannot be', () => {
    const tooMany = new ByteWriter()
    for (let i = 0; i <= MAX_CLIENTS; i++) tooMany.text(`1.${i}`).u53(0).u32(0)
    expect(() => new ClientTable<number>().addPart(tooMany.finish(), NUMBERS)).toThrow(MalformedError)
    const writer = new ByteWriter().u32(MAX_CLIENTS + 1)
    expect(() => new ClientTable<number>().restore(new ByteReader(writer.finish()), NUMBERS)).toThrow(MalformedError)
  })
})

describe('in a snapshot', () => {
  const machine = { initial: () => 0, apply: (sum: number, add: number) => ({ state: sum + add, result: sum + add }) }

  test('of version 1 the tables are read, with clients and from before there were any', () => {
    const without = Buffer.from(
      '00000001' + '0000000000000003' + '0000000000000003' + '0000000000000001' + '00000000',
      'hex',
    )
    expect(SessionTable.decode(new ByteReader(without), NUMBERS).lookup(3, 1).type).toBe('new')
    const clients = new ByteWriter().u32(1).text('1.7').u53(4).u32(1).u53(5).bytes(NUMBERS.encode(55)).finish()
    const table = SessionTable.decode(new ByteReader(Buffer.concat([Buffer.of(1), without, clients])), NUMBERS)
    expect(table.lookup(3, 1).type).toBe('new')
    expect(table.clients.lookup('1.7', 5)).toEqual({ type: 'applied', result: 55 })
    expect(table.clients.lookup('1.7', 4)).toEqual({ type: 'result-forgotten' })
  })

  test('a table of a later version is refused', () => {
    const bytes = new ByteWriter().u8(2).u32(0).finish()
    expect(() => SessionTable.decode(new ByteReader(bytes), NUMBERS)).toThrow('version 2 of the sessions is not known')
  })

  test('clients come through many parts, as they were when they were frozen (P-36)', () => {
    const table = new ClientTable<number>()
    for (let id = 1; id <= 60; id++) {
      table.open(`1.${id}`)
      for (let sequence = 1; sequence <= MAX_CLIENT_RESULTS; sequence++) table.record(`1.${id}`, sequence, id)
    }
    const before = [...table.freeze(NUMBERS).clients]
    expect(before.length).toBeGreaterThan(1)
    const frozen = table.freeze(NUMBERS).clients
    for (let id = 1; id <= 60; id++) {
      table.touch(`1.${id}`, 3)
      table.record(`1.${id}`, 1_000, 7)
    }
    expect([...frozen]).toEqual(before)
    const copy = new ClientTable<number>()
    for (const part of before) copy.addPart(part, NUMBERS)
    expect([...copy.freeze(NUMBERS).clients]).toEqual(before)
    expect(copy.lookup('1.60', 1)).toEqual({ type: 'applied', result: 60 })
    expect(table.lookup('1.60', 1)).toEqual({ type: 'result-forgotten' })
  })

  test('clients and sessions come through, and go on as at the node that has written it', async () => {
    const applier = new Applier<number, number, number>(machine)
    const command = (id: string, sequence: number, add: number): Uint8Array =>
      encodeClientCommand({ id, sequence }, applier.commandCodec.encode(add)).data
    applier.apply({ index: 1, term: 1, kind: OPEN_CLIENT_KIND, data: new Uint8Array([1]) })
    applier.apply({ index: 2, term: 1, kind: CLIENT_COMMAND_KIND, data: command('1.1', 1, 5) })
    const other = new Applier<number, number, number>(machine)
    const turns = new Turns(new TurnBudget(new VirtualClock()))
    other.adopt(2, await other.decode(new ContentWriter(applier.freeze(), turns), turns))
    for (const each of [applier, other]) {
      const again = each.apply({ index: 3, term: 2, kind: CLIENT_COMMAND_KIND, data: command('1.1', 1, 5) })
      expect(again).toMatchObject({ type: 'client-command', outcome: { type: 'applied', result: 5 } })
      expect(each.state).toBe(5)
    }
  })

  test('the format of an entry of a client is fixed', () => {
    const { data } = encodeClientCommand({ id: '2.17', sequence: 3, seenThrough: 1 }, new Uint8Array([9]))
    expect(Buffer.from(data).toString('hex')).toBe('00000004322e3137' + '0000000000000003' + '0000000000000001' + '09')
    expect(isClientCommand(data)).toBe(true)
    expect(isClientCommand(data.subarray(0, 20))).toBe(false)
    expect(isClientCommand(new ByteWriter().text('nobody').u53(1).u53(0).finish())).toBe(false)
  })
})

import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import type { Disk } from '@dsys/storage'
import { describe, test } from 'vitest'
import { DiskWorld } from './world.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function put(disk: Disk, path: string, content: string): Promise<void> {
  const file = await disk.open(path, { create: true })
  await file.write(0, text(content))
  await file.sync()
  await file.close()
  await disk.syncDirectory('')
}

async function get(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path)
  return Buffer.from(await file.read(0, 1_000)).toString()
}

describe('time', () => {
  test('an operation takes what was drawn, more when it is to be durable, and one turn when that is 0', async () => {
    const world = new DiskWorld(1, { latencyMs: [1, 2], syncMs: [10, 20], hiccupProbability: 0 })
    const disk = world.disk.mount(world.ports)
    const file = await world.run(disk.open('a', { create: true }))
    const openedMs = world.clock.monotonicMs()
    ok(openedMs >= 1 && openedMs <= 2)
    await world.run(file.sync())
    const syncMs = world.clock.monotonicMs() - openedMs
    ok(syncMs >= 10 && syncMs <= 20)
    const instant = new DiskWorld(1, { latencyMs: [0, 0], syncMs: [0, 0], hiccupProbability: 0 })
    await instant.run(put(instant.disk.mount(instant.ports), 'a', 'x'))
    equal(instant.clock.monotonicMs(), 0)
  })

  test('a process whose clock stands still learns of nothing', async () => {
    const world = new DiskWorld()
    const opening = world.disk.mount(world.ports).open('a', { create: true })
    equal(await world.after(0, opening), 'pending')
    equal(world.disk.inFlight, 1)
    equal(await world.after(1_000, opening), 'resolved')
  })

  test('a disk that is slow for several reasons is as slow as the worst of them, also where it takes no time', async () => {
    const world = new DiskWorld(1, { latencyMs: [0, 0], hiccupProbability: 0 })
    const disk = world.disk.mount(world.ports)
    const [first, second] = [world.disk.slow(10), world.disk.slow(20)]
    await world.run(disk.list(''))
    equal(world.clock.monotonicMs(), 2)
    first()
    second()
    await world.run(disk.list(''))
    equal(world.clock.monotonicMs(), 2)
    equal(world.counts.get('slowed'), 1)
  })

  test('a stalled disk ends nothing until the stall is over, and then all of it', async () => {
    const world = new DiskWorld()
    const disk = world.disk.mount(world.ports)
    const before = disk.open('a', { create: true })
    const [first, second] = [world.disk.stall(), world.disk.stall()]
    const during = disk.open('b', { create: true })
    equal(await world.after(10_000, Promise.race([before, during])), 'pending')
    first()
    first()
    equal(await world.after(10_000, Promise.race([before, during])), 'pending')
    second()
    await world.run(Promise.all([before, during]))
    equal(world.counts.get('stalled'), 2)
  })

  test('hiccups come now and then', async () => {
    const world = new DiskWorld(1, { hiccupProbability: 0.5, hiccupMs: [100, 100] })
    const disk = world.disk.mount(world.ports)
    for (let i = 0; i < 20; i++) await world.run(disk.list(''))
    const hiccups = world.counts.get('hiccup') ?? 0
    ok(hiccups > 2 && hiccups < 18)
    ok(world.clock.monotonicMs() >= hiccups * 100)
  })
})

describe('faults', () => {
  test('reads fail while they are told to', async () => {
    const world = new DiskWorld()
    const disk = world.disk.mount(world.ports)
    await world.run(put(disk, 'a', 'hello'))
    const mend = world.disk.failReads()
    await world.run(rejects(get(disk, 'a'), { code: 'EIO' }))
    mend()
    equal(await world.run(get(disk, 'a')), 'hello')
    equal(world.counts.get('read-failed'), 1)
  })

  test('a failed sync loses what it should have written, and a later sync that succeeds proves nothing', async () => {
    let lost = 0
    for (let seed = 1; seed <= 20; seed++) {
      const world = new DiskWorld(seed)
      const disk = world.disk.mount(world.ports)
      await world.run(put(disk, 'a', 'old'))
      const file = await world.run(disk.open('a'))
      await world.run(file.write(0, text('new')))
      const mend = world.disk.failSyncs()
      await world.run(rejects(file.sync(), { code: 'EIO' }))
      mend()
      await world.run(file.sync())
      equal(await world.run(get(disk, 'a')), 'new')
      world.disk.crash({ unsynced: 'lost' })
      if ((await world.run(get(world.disk.mount(world.ports), 'a'))) !== 'new') lost++
    }
    ok(lost > 3 && lost < 20, `${lost} of 20 were lost`)
  })

  test('a full disk takes the beginning of a write, and everything once it has room again', async () => {
    const world = new DiskWorld()
    const disk = world.disk.mount(world.ports)
    await world.run(put(disk, 'a', 'old'))
    const restore = world.disk.fill({ roomBytes: 4 })
    const file = await world.run(disk.open('a', { durableWrites: true }))
    await world.run(rejects(file.write(3, text('0123456789')), { code: 'ENOSPC' }))
    equal(await world.run(get(disk, 'a')), 'old0123')
    await world.run(file.write(0, text('new')))
    await world.run(rejects(disk.open('b', { create: true }), { code: 'ENOSPC' }))
    restore()
    await world.run(file.write(3, text('0123456789')))
    equal(await world.run(get(disk, 'a')), 'new0123456789')
    equal(world.counts.get('full'), 2)
  })

  test('a bit is turned over somewhere, and the same seed turns the same bit', async () => {
    const world = new DiskWorld()
    equal(world.disk.flipBit(7), undefined)
    const disk = world.disk.mount(world.ports)
    await world.run(put(disk, 'a', 'hello'))
    const flipped = world.disk.flipBit(7)
    notEqual(await world.run(get(disk, 'a')), 'hello')
    deepEqual(world.disk.flipBit(7), flipped)
    equal(await world.run(get(disk, 'a')), 'hello')
  })
})

describe('crashes', () => {
  test('nobody of the earlier life is told anything, and what was synced is there', async () => {
    for (const unsynced of ['drawn', 'lost', 'kept'] as const) {
      const world = new DiskWorld()
      const disk = world.disk.mount(world.ports)
      await world.run(put(disk, 'a', 'hello'))
      const file = await world.run(disk.open('a'))
      const writing = file.write(0, text('HELLO'))
      world.disk.crash({ unsynced })
      equal(await world.after(60_000, writing), 'pending')
      equal(await world.after(60_000, file.read(0, 5)), 'pending')
      equal(world.disk.inFlight, 0)
      const found = await world.run(get(world.disk.mount(world.ports), 'a'))
      ok(found === 'hello' || unsynced !== 'lost')
    }
  })

  test('a write under way is there or not after a kill, and there, lost or torn after a loss of power', async () => {
    const found = { kept: new Set<string>(), drawn: new Set<string>() }
    for (let seed = 1; seed <= 60; seed++) {
      for (const unsynced of ['kept', 'drawn'] as const) {
        const world = new DiskWorld(seed)
        const disk = world.disk.mount(world.ports)
        await world.run(put(disk, 'a', 'old'))
        const file = await world.run(disk.open('a', { durableWrites: true }))
        const writing = file.write(0, text('new'))
        world.disk.crash({ unsynced })
        equal(await world.after(1, writing), 'pending')
        found[unsynced].add(await world.run(get(world.disk.mount(world.ports), 'a')))
      }
    }
    deepEqual([...found.kept].sort(), ['new', 'old'])
    deepEqual(
      [...found.drawn].sort(),
      ['new', 'ned', 'nld', 'old'].filter((content) => found.drawn.has(content)).sort(),
    )
    ok(found.drawn.size >= 3)
  })

  test('of a write that is torn the told bytes are there, whatever else is lost, and nobody is told', async () => {
    for (let tornAt = 0; tornAt <= 6; tornAt++) {
      const world = new DiskWorld(tornAt + 1)
      const disk = world.disk.mount(world.ports)
      await world.run(put(disk, 'a', 'old'))
      const file = await world.run(disk.open('a'))
      const torn = world.disk.tearNextWrite(tornAt)
      const writing = file.write(0, text('other'))
      await world.run(torn)
      equal(await world.after(60_000, writing), 'pending')
      equal(world.counts.get('write-torn'), 1)
      const found = await world.run(get(world.disk.mount(world.ports), 'a'))
      equal(found, 'other'.slice(0, tornAt) + 'old'.slice(tornAt))
    }
  })

  test('a crash takes back that a write is to be torn', async () => {
    const world = new DiskWorld()
    void world.disk.tearNextWrite(0)
    world.disk.crash()
    await world.run(put(world.disk.mount(world.ports), 'a', 'hello'))
    equal(await world.run(get(world.disk.mount(world.ports), 'a')), 'hello')
  })

  test('a lost disk is empty', async () => {
    const world = new DiskWorld()
    await world.run(put(world.disk.mount(world.ports), 'a', 'hello'))
    world.disk.crash({ unsynced: 'kept', disk: 'lost' })
    deepEqual(await world.run(world.disk.mount(world.ports).list('')), [])
    equal(world.counts.get('wiped'), 1)
  })

  test('the hook sees every operation, and can end the life before or after it', async () => {
    for (const phase of ['before', 'after'] as const) {
      const world = new DiskWorld(3, { hiccupProbability: 0 })
      const disk = world.disk.mount(world.ports)
      await world.run(put(disk, 'a', 'new'))
      deepEqual(world.operations.slice(0, 4), ['before create a', 'after create a', 'before write a', 'after write a'])
      world.onOperation = (operation, now) => {
        if (operation.type !== 'rename' || now !== phase) return
        world.onOperation = () => undefined
        world.disk.crash({ unsynced: phase === 'before' ? 'lost' : 'kept' })
      }
      equal(await world.after(1_000, disk.rename('a', 'b')), 'pending')
      deepEqual(await world.run(world.disk.mount(world.ports).list('')), [phase === 'before' ? 'a' : 'b'])
    }
  })

  test('the same seed gives the same operations, times and remains', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const world = new DiskWorld(seed)
      const disk = world.disk.mount(world.ports)
      for (const name of ['a', 'b', 'c']) await world.run(put(disk, name, name.repeat(2_000)))
      const file = await world.run(disk.open('b'))
      for (let i = 0; i < 20; i++) await world.run(file.write(i * 100, text(String(i).repeat(700))))
      world.disk.crash()
      const remains = Buffer.from(world.disk.files.content('b')).toString('hex')
      return [world.clock.monotonicMs(), world.operations, [...world.counts], remains]
    }
    deepEqual(await run(5), await run(5))
    notEqual(JSON.stringify(await run(5)), JSON.stringify(await run(6)))
  })
})

import { Scheduler, Trace } from '@dsys/simulation'
import { describe, expect, test } from 'vitest'
import type { SimLife } from '../../src/cluster/life.ts'
import { type MachineOptions, SimMachine } from '../../src/cluster/machine.ts'
import type { CrashFate } from '../../src/world.ts'

const POWER_LOSS: CrashFate = { unsynced: 'lost', disk: 'kept' }

/** A machine whose program notes the time every 10 ms. */
function machineThatTicks(options: MachineOptions = {}) {
  const scheduler = new Scheduler()
  const ticks: string[] = []
  const crashes: CrashFate[] = []
  const lives: SimLife[] = []
  const machine = new SimMachine(
    {
      id: 'n1',
      scheduler,
      trace: new Trace(),
      disk: { crash: (fate) => void crashes.push(fate) },
      program: {
        start: (life) => {
          lives.push(life)
          const { clock } = life.process
          const tick = (): void => {
            ticks.push(`${life.generation}@${Math.round(clock.monotonicMs())}`)
            clock.setTimer(10, tick)
          }
          clock.setTimer(10, tick)
        },
      },
    },
    options,
  )
  return { scheduler, machine, ticks, crashes, lives }
}

describe('a simulated machine', () => {
  test('runs one life at a time, each with a generation of its own, and its clock goes on over all of them', () => {
    const { scheduler, machine, ticks, crashes } = machineThatTicks()
    machine.restart()
    machine.restart()
    scheduler.run(25)
    machine.crash(POWER_LOSS)
    expect(machine.running).toBe(false)
    machine.crash({ unsynced: 'kept', disk: 'kept' })
    scheduler.run(100)
    machine.restart()
    scheduler.run(120)
    expect(ticks).toEqual(['1@10', '1@20', '2@110', '2@120'])
    expect(crashes).toEqual([POWER_LOSS])
  })

  test('loses power, or its disk, also where no process runs', () => {
    const { machine, crashes, scheduler } = machineThatTicks()
    const killed: CrashFate = { unsynced: 'kept', disk: 'kept' }
    machine.restart()
    scheduler.run(25)
    machine.crash(killed)
    machine.crash(POWER_LOSS)
    machine.crash({ unsynced: 'lost', disk: 'lost' })
    expect(crashes).toEqual([killed, POWER_LOSS, { unsynced: 'lost', disk: 'lost' }])
    expect(machine.lost).toBe(true)
  })

  test('a life that ends itself is not running, and may be followed by another', () => {
    const { scheduler, machine, ticks, lives } = machineThatTicks()
    machine.restart()
    scheduler.run(15)
    const told: string[] = []
    lives[0]?.onEnd(() => told.push('over'))
    lives[0]?.end()
    lives[0]?.end()
    expect([machine.running, told]).toEqual([false, ['over']])
    machine.restart()
    scheduler.run(30)
    expect(ticks).toEqual(['1@10', '2@25'])
  })

  test('pauses overlap: it goes on after the last, and a life that starts meanwhile is not paused', () => {
    const { scheduler, machine, ticks } = machineThatTicks()
    machine.restart()
    scheduler.run(5)
    const first = machine.pause()
    const second = machine.pause()
    scheduler.run(30)
    first()
    first()
    scheduler.run(40)
    expect(ticks).toEqual([])
    second()
    scheduler.run(45)
    expect(ticks).toEqual(['1@40'])
    const third = machine.pause()
    machine.crash(POWER_LOSS)
    machine.restart()
    scheduler.run(60)
    third()
    expect(ticks).toEqual(['1@40', '2@55'])
  })

  test('drift and jumps move what the timers see', () => {
    const { scheduler, machine, ticks } = machineThatTicks()
    machine.restart()
    const restore = machine.drift(2)
    scheduler.run(10)
    expect(ticks).toEqual(['1@10', '1@20'])
    restore()
    scheduler.run(20)
    expect(ticks).toEqual(['1@10', '1@20', '1@30'])
    machine.jumpForward(1_000)
    scheduler.run(21)
    expect(ticks.at(-1)).toBe('1@1030')
    const wallMs = machine.clock.wallMs()
    machine.jumpWall(-500)
    expect(machine.clock.wallMs()).toBe(wallMs - 500)
  })

  test('one that is lost never starts again, unless it may start empty', () => {
    const gone = machineThatTicks()
    gone.machine.restart()
    gone.machine.crash({ unsynced: 'lost', disk: 'lost' })
    gone.machine.restart()
    expect([gone.machine.running, gone.machine.lost]).toEqual([false, true])
    const replaced = machineThatTicks({ restartsEmpty: true })
    replaced.machine.restart()
    replaced.machine.crash({ unsynced: 'lost', disk: 'lost' })
    replaced.machine.restart()
    expect([replaced.machine.running, replaced.machine.lost]).toEqual([true, false])
    replaced.machine.lose()
    replaced.machine.restart()
    expect([replaced.machine.running, replaced.machine.lost]).toEqual([false, true])
  })

  test('an impostor runs beside the first process until it is stopped, or the machine crashes', () => {
    expect(machineThatTicks().machine.impostor).toBeUndefined()
    const { scheduler, machine, ticks, lives } = machineThatTicks({ impostors: true })
    machine.impostor?.()
    expect(machine.running).toBe(false)
    machine.restart()
    const stop = machine.impostor?.()
    scheduler.run(15)
    expect(ticks).toEqual(['1@10', '2@10'])
    expect(lives.map(({ impostor }) => impostor)).toEqual([false, true])
    stop?.()
    scheduler.run(25)
    machine.impostor?.()
    machine.crash(POWER_LOSS)
    scheduler.run(60)
    expect(ticks).toEqual(['1@10', '2@10', '1@20'])
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFailed, onTestFinished, test } from 'vitest'
import { type MemberProcess, MemberProcesses, nowMs } from '../../../bench/membership/members.mjs'
import { until } from '../../../bench/processes.mjs'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { MEMBERSHIP_DEFAULTS } from '../src/index.ts'

const NODES = 5
const STOPPED_MS = 5_000
const nats = await natsForTests()

/**
 * When the last of the others must have noticed a death, by the settings: every member is probed within two rounds of each rotation, the probe
 * ends, and the suspicion is of the longest kind, of one who only heard of it. A machine that is busy makes all of that longer, up to what
 * a member makes of its own health.
 */
function noticedWithinMs(): number {
  const { probeIntervalMs, probesPerInterval, maxHealthMultiplier } = MEMBERSHIP_DEFAULTS
  const { suspicionTimeoutMs, suspicionMaxFactor } = MEMBERSHIP_DEFAULTS
  const roundMs = Math.ceil((NODES - 1) / probesPerInterval) * probeIntervalMs
  return (2 * roundMs + probeIntervalMs) * maxHealthMultiplier + 1.25 * suspicionTimeoutMs * suspicionMaxFactor
}

type Begin = (folder: string) => Promise<MemberProcesses>

async function started(begin: Begin): Promise<MemberProcesses> {
  const folder = mkdtempSync(join(tmpdir(), 'dsys-members-'))
  const cluster = await begin(folder)
  onTestFailed(() => console.error(cluster.lastWords))
  onTestFinished(async () => {
    await cluster.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await until('all see all', async () => cluster.agree() || undefined)
  return cluster
}

/** What `observer` was told of `id` since it had been told `from` things. */
const told = (observer: MemberProcess, id: string, from = 0): string[] =>
  observer.news.slice(from).flatMap((one) => (one.id === id ? [one.type] : []))

/** Nobody goes down twice, or comes up twice, without the other in between; and nobody has a double. */
function expectNoDoubles(cluster: MemberProcesses): void {
  for (const observer of cluster.members) {
    expect(observer.news.filter(({ type }) => type === 'MemberConflict')).toEqual([])
    for (const { id } of cluster.members) {
      const steps = told(observer, id).filter((type) => type === 'MemberUp' || type === 'MemberDown')
      for (const [i, step] of steps.entries()) expect(step).toBe(i % 2 === 0 ? 'MemberUp' : 'MemberDown')
    }
  }
}

function proofs(begin: Begin): void {
  test('kill -9 is noticed by all others, who hold nobody else for dead, and the next life is welcome', async () => {
    const cluster = await started(begin)
    const victim = cluster.members[2] as MemberProcess
    const others = cluster.othersOf(victim)
    const killedMs = nowMs()
    await victim.kill()
    const isGone = async () => others.every((observer) => observer.view(victim.id).state === 'gone') || undefined
    await until('all others have noticed', isGone, { timeoutMs: noticedWithinMs() })
    const took = others.map(({ news }) =>
      Math.round((news.find(({ type }) => type === 'MemberDown')?.atMs ?? 0) - killedMs),
    )
    console.info(`the others noticed after ${took.sort((a, b) => a - b).join(', ')} ms`)
    for (const { news } of others)
      expect(news.flatMap(({ type, id }) => (type === 'MemberDown' ? [id] : []))).toEqual([victim.id])
    cluster.restart(victim)
    await until('all see all again', async () => cluster.agree() || undefined)
    expectNoDoubles(cluster)
  })

  test('M-23: a process that was stopped for 5 s and goes on is suspected, never doubled, and rejoins by itself', async () => {
    const cluster = await started(begin)
    const stopped = cluster.members[1] as MemberProcess
    const others = cluster.othersOf(stopped)
    const before = new Map(cluster.members.map((member) => [member.id, member.news.length]))
    const stoppedMs = nowMs()
    stopped.signal('SIGSTOP')
    const isSuspected = (observer: MemberProcess): boolean => {
      const news = told(observer, stopped.id, before.get(observer.id))
      return news.includes('MemberSuspected') || news.includes('MemberDown')
    }
    const isOver = async () => (nowMs() - stoppedMs >= STOPPED_MS && others.every(isSuspected)) || undefined
    await until('it was suspected by all, and stood still for long enough', isOver)
    stopped.signal('SIGCONT')
    await until('all see all again', async () => cluster.agree() || undefined)
    expectNoDoubles(cluster)
    for (const { id } of others) expect(told(stopped, id, before.get(stopped.id)), id).not.toContain('MemberDown')
    for (const observer of others) {
      const generations = observer.news.flatMap(({ id, generation }) => (id === stopped.id ? [generation] : []))
      expect(new Set(generations)).toEqual(new Set([1]))
    }
  })
}

describe('five processes over TCP at default settings', () => {
  proofs((folder) => MemberProcesses.overTcp(NODES, folder))
})

nats.describe(describe, 'five processes over a real nats-server at default settings', () => {
  proofs(async (folder) => {
    const server = await nats.start()
    onTestFinished(() => server.stop())
    return new MemberProcesses(NODES, server.url, folder)
  })
})

import type { Finding, RaftNode } from '@dsys/raft'
import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { Hosts } from './support/hosts.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

const QUIET = { network: { link: { minDelayMs: 1, maxDelayMs: 1 } } }

function finding(node: Pick<RaftNode<CounterState, Add, number>, 'explain'>, code: Finding['code']): Finding {
  const { findings, text } = node.explain()
  const found = findings.find((each) => each.code === code)
  if (found === undefined) throw new Error(`no finding ${code} in\n${text}`)
  expect(text).toContain(`- ${found.message} ${found.hint}`)
  expect(JSON.parse(JSON.stringify(found))).toEqual(found)
  return found
}

/** Sentences without the durations, which are those of the network, and what follows from them. */
const timeless = (text: string): string => text.replaceAll(/\d+ ms/g, '… ms').replaceAll(/phi [\d.]+/g, 'phi …')

const add = (cluster: Counters, id: string, name: string): Promise<number> =>
  cluster.run(cluster.node(id).propose({ id: name, by: 1 }, { timeoutMs: 20_000 }))

describe('explain() of a group', () => {
  test('in which nothing is amiss says so, at every node', async () => {
    await using cluster = await Cluster.start(counter, QUIET)
    const leader = await cluster.elected()
    await add(cluster, 'n1', 'one')
    await cluster.converged()
    for (const id of cluster.ids) {
      const { term, commitIndex } = cluster.node(id).status()
      const how = id === leader ? `leader in term ${term}` : `follower in term ${term}, the leader is ${leader}`
      expect(cluster.node(id).explain()).toEqual({
        id,
        group: 'test',
        findings: [],
        text: `${id} of group "test": ${how}.\nNothing is amiss: entries up to ${commitIndex} are committed and applied.`,
      })
    }
  })

  test('that is cut in two names who is silent, and for how long', async () => {
    await using cluster = await Cluster.start(counter, { ...QUIET, raft: { electionTimeoutMs: 1_000 } })
    await cluster.elected()
    await cluster.advance(1_000)
    cluster.network.partition(['n1'], ['n2', 'n3'])
    await cluster.advance(5_000)
    const silent = finding(cluster.node('n1'), 'voters-silent')
    expect(silent.subject).toBe('leader')
    expect(timeless(silent.message)).toBe(
      'Of the voters n1, n2 and n3 it takes 2, and 1 can take part: n2 was not heard in the … ms that this node runs and n3 has been silent for … ms.',
    )
    expect(silent.evidence).toMatchObject({ needed: 2, heard: 1, of: ['n1', 'n2', 'n3'] })
    const [, leader] = silent.evidence.silent as { id: string; silentMs: number; everHeard: boolean }[]
    expect(leader).toMatchObject({ id: 'n3', everHeard: true })
    expect(leader?.silentMs).toBeGreaterThanOrEqual(5_000)
    expect(leader?.silentMs).toBeLessThan(5_200)
    expect(timeless(finding(cluster.node('n1'), 'election-pending').message)).toBe(
      'No leader has been known for … ms; this node is a pre-candidate with the votes of n1, and asks again in … ms.',
    )
  })

  test('with a process that stood still says for how long, beside who is gone', async () => {
    await using cluster = await Cluster.start(counter, QUIET)
    await cluster.elected()
    await cluster.advance(1_000)
    cluster.life('n1').clock.pause(4_000)
    for (const id of ['n2', 'n3']) cluster.crash(id)
    await cluster.advance(3_900)
    expect(
      cluster
        .node('n1')
        .explain()
        .findings.map(({ code }) => code),
    ).not.toContain('process-paused')
    await cluster.advance(600)
    const { message, evidence } = finding(cluster.node('n1'), 'process-paused')
    expect(timeless(message)).toBe('The process of this node stood still for … ms until … ms ago.')
    expect(evidence.pausedForMs).toBeGreaterThan(2_000)
    expect(evidence.pausedForMs).toBeLessThanOrEqual(4_000)
    expect(evidence.agoMs).toBeCloseTo(500)
    await cluster.advance(2_000)
    expect(
      cluster
        .node('n1')
        .explain()
        .findings.map(({ code }) => code),
    ).toEqual(['voters-silent', 'election-pending'])
  })

  test('whose others were never heard says that', async () => {
    await using cluster = new Cluster(counter, { ids: ['n1', 'n2'] })
    await cluster.start('n1')
    await cluster.advance(2_500)
    const { text } = cluster.node('n1').explain()
    expect(timeless(text)).toBe(
      [
        'n1 of group "test": pre-candidate in term 0, no leader is known.',
        '- Of the voters n1 and n2 it takes 2, and 1 can take part: n2 was not heard in the … ms that this node runs. Start these nodes, or mend the network between them and this node. If a majority is lost for ever, see recover().',
        '- Two voters need both: the group stands still while one of them is away. Give the group three voters, so that it goes on without one of them.',
        '- No leader has been known for … ms; this node is a pre-candidate with the votes of n1, and asks again in … ms. An election takes one to two election timeouts. Where it takes longer, the other findings say why.',
      ].join('\n'),
    )
  })

  test('with a node whose log is behind says whose log is better, and by how much', async () => {
    await using cluster = await Cluster.start(counter, QUIET)
    const leader = await cluster.elected()
    const [behind = '', ahead = ''] = cluster.followers()
    await cluster.converged()
    cluster.network.partition([behind], [leader, ahead])
    for (let i = 0; i < 3; i++) await add(cluster, leader, `w${i}`)
    cluster.crash(leader)
    // Only the one that must not win can be heard: the other cannot hear it ask.
    cluster.filter = (from, _to, { type }) => from !== ahead || type === 'vote-response'
    cluster.network.heal()
    await cluster.waitFor('a refusal', () =>
      cluster
        .node(behind)
        .explain()
        .findings.some(({ code }) => code === 'vote-refused'),
    )
    const refusal = finding(cluster.node(behind), 'vote-refused')
    const { lastIndex, term } = cluster.node(behind).status()
    expect(timeless(refusal.message)).toBe(
      `${ahead} refused this node its vote … ms ago: its log ends with entry ${lastIndex + 4} of term ${term}, that of this node with entry ${lastIndex} of term ${term}.`,
    )
    expect(refusal.evidence).toMatchObject({ from: ahead, reason: 'log-behind', lastIndex: lastIndex + 4 })
    cluster.filter = undefined
    expect(await cluster.elected()).toBe(ahead)
    await cluster.advance(1_000)
    expect(cluster.node(behind).explain().findings).toEqual([])
    // What was said before there was a leader says nothing of why there is none now.
    cluster.crash(ahead)
    await cluster.waitFor('no leader', () => cluster.node(behind).status().leader === undefined)
    expect(
      cluster
        .node(behind)
        .explain()
        .findings.map(({ code }) => code),
    ).not.toContain('vote-refused')
  })

  test('with a node that cannot hear the leader that the others hear says so', async () => {
    await using cluster = await Cluster.start(counter, QUIET)
    const leader = await cluster.elected()
    const [deaf = '', other = ''] = cluster.followers()
    cluster.network.partition([deaf], [leader])
    await cluster.waitFor('a refusal', () =>
      cluster
        .node(deaf)
        .explain()
        .findings.some(({ code }) => code === 'vote-refused'),
    )
    expect(timeless(finding(cluster.node(deaf), 'vote-refused').message)).toBe(
      `${other} refused this node its vote … ms ago: it hears ${leader} lead.`,
    )
  })

  test('whose leader lost the majority says which members lack what, and since when they are silent', async () => {
    await using cluster = await Cluster.start(counter, { ...QUIET, size: 5 })
    const leader = await cluster.elected()
    await add(cluster, leader, 'before')
    await cluster.converged()
    const { lastIndex } = cluster.node(leader).status()
    const [near = '', ...far] = cluster.followers()
    cluster.network.partition([leader, near], far)
    const waiting = [1, 2].map((i) => cluster.node(leader).propose({ id: `w${i}`, by: 1 }, { timeoutMs: 60_000 }))
    const read = cluster.node(near).read(({ total }) => total, { timeoutMs: 60_000 })
    await cluster.advance(500)
    const found = finding(cluster.node(leader), 'majority-missing')
    const lacking = far.map((id) => `${id} has all up to ${lastIndex} and was heard … ms ago (phi …)`).join('; ')
    const have = cluster.ids.filter((id) => id === leader || id === near).join(' and ')
    expect(timeless(found.message)).toBe(
      `Entries ${lastIndex + 1} to ${lastIndex + 2} are not committed: it takes 3 of the voters n1, n2, n3, n4 and n5 to have entry ${lastIndex + 1} on disk, and ${have} have it. ${lacking}.`,
    )
    const [first] = found.evidence.lacking as { silentMs: number }[]
    expect(first?.silentMs).toBeGreaterThan(450)
    const reads = finding(cluster.node(leader), 'reads-unconfirmed')
    expect(reads.evidence).toMatchObject({ count: 1, needed: 3, majority: 'voters' })
    const elsewhere = finding(cluster.node(near), 'leader-elsewhere')
    expect(elsewhere.message).toBe(`0 proposals and one read of this node wait for ${leader}, which leads.`)
    expect(timeless(finding(cluster.node(near), 'commit-not-told').message)).toBe(
      `This node has entries up to ${lastIndex + 2}, and knows from ${leader} that ${lastIndex} is committed.`,
    )
    cluster.network.heal()
    await cluster.run(Promise.all([...waiting, read]))
  })

  test('says who is missing before an election timeout is over, by the pace of its answers, and hands leadership to another', async () => {
    await using cluster = await Cluster.start(counter, QUIET)
    const leader = await cluster.elected()
    const [gone = '', other = ''] = cluster.followers()
    await cluster.advance(3_000)
    expect(cluster.node(leader).status().followers).toMatchObject([{ reachable: true }, { reachable: true }])
    cluster.crash(gone)
    await cluster.advance(600)
    const { followers } = cluster.node(leader).status()
    const [missing, there] = [gone, other].map((id) => followers.find((each) => each.id === id))
    expect(missing).toMatchObject({ reachable: false })
    expect(missing?.phi).toBeGreaterThan(8)
    expect(missing?.lastHeardMs).toBeLessThan(1_000)
    expect(there).toMatchObject({ reachable: true })
    expect(there?.phi).toBeLessThan(1)
    const { message, evidence } = finding(cluster.node(leader), 'member-silent')
    expect(timeless(message)).toBe(
      `${gone}, a voter, has been silent for … ms (phi …), and the group can spare no more.`,
    )
    expect(evidence.phi).toBeGreaterThan(8)
    // Both have the same log, and the one that crashed comes first in every order but this.
    await cluster.run(cluster.node(leader).transferLeadership())
    expect(await cluster.elected()).toBe(other)
  })

  test('does not blame its followers for the time in which it stood still itself', async () => {
    await using cluster = await Cluster.start(counter, QUIET)
    const leader = await cluster.elected()
    const others = cluster.followers()
    await cluster.advance(3_000)
    const reachable = (): unknown =>
      cluster
        .node(leader)
        .status()
        .followers.map((each) => each.reachable)
    // Nobody answers meanwhile, nor for a moment after.
    cluster.network.partition([leader], others)
    cluster.life(leader).clock.pause(600)
    await cluster.advance(650)
    expect(reachable()).toEqual([true, true])
    await cluster.advance(300)
    expect(cluster.leader()).toBe(leader)
    expect(reachable()).toEqual([false, false])
  })

  test('of two, whose leader has a slow disk, says for how long', async () => {
    let stalled: Promise<void> | undefined
    let release = (): void => undefined
    await using cluster = await Cluster.start(counter, {
      ...QUIET,
      ids: ['n1', 'n2'],
      sync: (id) => (id === 'n1' ? (stalled ?? Promise.resolve()) : Promise.resolve()),
      raft: { priority: 1 },
    })
    await cluster.elected()
    if (cluster.leader() !== 'n1') await cluster.run(cluster.node('n2').transferLeadership({ to: 'n1' }))
    await add(cluster, 'n1', 'before')
    await cluster.converged()
    const { lastIndex } = cluster.node('n1').status()
    stalled = new Promise((resolve) => {
      release = resolve
    })
    const waiting = cluster.node('n1').propose({ id: 'w', by: 1 }, { timeoutMs: 20_000 })
    await cluster.advance(700)
    const found = finding(cluster.node('n1'), 'own-disk-behind')
    expect(timeless(found.message)).toBe(
      `The disk of this node has entries up to ${lastIndex}, and its oldest write takes … ms as yet.`,
    )
    expect(found.evidence.writeForMs).toBeGreaterThan(690)
    expect(finding(cluster.node('n1'), 'majority-missing').message).toBe(
      `Entry ${lastIndex + 1} is not committed: it takes 2 of the voters n1 and n2 to have entry ${lastIndex + 1} on disk, and n2 has it.`,
    )
    await cluster.advance(2_500)
    stalled = undefined
    release()
    await cluster.run(waiting)
  })
})

describe('explain() of a change of members', () => {
  test('says of a new voter that it never came, and of another that waits for it', async () => {
    await using cluster = await Cluster.start(counter, { ...QUIET, ids: ['n1', 'n2', 'n3'], initial: ['n1'] })
    await cluster.waitFor('a leader', () => cluster.leader() === 'n1')
    await add(cluster, 'n1', 'before')
    cluster.crash('n3')
    const change = cluster.node('n1').reconfigure({ voters: ['n1', 'n2', 'n3'] }, { timeoutMs: 60_000 })
    await cluster.advance(3_000)
    const silent = finding(cluster.node('n1'), 'learner-silent')
    expect(timeless(silent.message)).toBe('n3 is to become a voter, and has not answered for … ms.')
    expect(silent.evidence).toMatchObject({ id: 'n3', heard: false })
    expect(
      cluster
        .node('n1')
        .explain()
        .findings.map(({ code }) => code),
    ).toEqual(['learner-silent', 'learner-waits'])
    expect(finding(cluster.node('n1'), 'learner-waits').message).toBe(
      'n2 has caught up, and waits for n3: all new voters are taken in together.',
    )
    await cluster.start('n3')
    await cluster.run(change)
    await cluster.run(cluster.node('n1').reconfigure({ voters: ['n1', 'n2'], learners: ['n3'] }))
    expect(finding(cluster.node(cluster.leader() as string), 'learner-by-configuration').message).toBe(
      'n3 is a learner because the members were set so; no change on its way makes it a voter.',
    )
  })

  test('says how much of a snapshot a new voter has', async () => {
    await using cluster = await Cluster.start(counter, {
      ...QUIET,
      ids: ['n1', 'n2'],
      initial: ['n1'],
      raft: { snapshotEveryBytes: 20_000, keepEntries: 1, maxAppendBytes: 1_024 },
    })
    await cluster.waitFor('a leader', () => cluster.leader() === 'n1')
    for (let i = 0; i < 300; i++) await add(cluster, 'n1', `${i} ${'x'.repeat(100)}`)
    cluster.filter = (_from, _to, message) => message.type !== 'snapshot-chunk' || message.offset < 3_000
    const change = cluster.node('n1').reconfigure({ voters: ['n1', 'n2'] }, { timeoutMs: 60_000 })
    await cluster.waitFor('the snapshot to be under way', () => {
      const found = cluster
        .node('n1')
        .explain()
        .findings.find(({ code }) => code === 'learner-snapshot')
      return Number(found?.evidence.sentBytes) >= 3_000
    })
    const { evidence, message } = finding(cluster.node('n1'), 'learner-snapshot')
    expect(message).toBe(
      `n2 is to become a voter, and has ${evidence.sentBytes} of the ${evidence.totalBytes} bytes of the snapshot that it begins with.`,
    )
    expect(evidence.totalBytes).toBeGreaterThan(20_000)
    cluster.filter = undefined
    await cluster.run(change, 60_000)
  })
})

test('explain() of a group that sleeps takes its silence for what it is, and tells who is missing once somebody is', async () => {
  await using hosts = await Hosts.start(counter, { groups: 4 })
  await hosts.asleep()
  await hosts.advance(60_000)
  expect(hosts.allAsleep()).toBe(true)
  for (const id of hosts.ids) {
    for (const group of hosts.names) expect(hosts.node(id, group).explain().findings).toEqual([])
  }
  const [group = ''] = hosts.names
  const leader = hosts.leader(group) as string
  const [gone = ''] = hosts.followers(group)
  hosts.crash(gone)
  await hosts.advance(10_000)
  expect(hosts.leader(group)).toBe(leader)
  const { message, evidence } = finding(hosts.node(leader, group), 'member-silent')
  expect(timeless(message)).toBe(`${gone}, a voter, has been silent for … ms, and the group can spare no more.`)
  expect(evidence).toMatchObject({ id: gone, isVoter: true, spare: 0 })
})

test('explain() of a node that has stopped itself says why', async () => {
  let failing = false
  await using cluster = await Cluster.start(counter, {
    size: 1,
    sync: () => (failing ? Promise.reject(new Error('the disk is on fire')) : Promise.resolve()),
  })
  await cluster.elected()
  failing = true
  await expect(cluster.run(cluster.node('n1').propose({ id: 'x', by: 1 }))).rejects.toThrow()
  expect(cluster.node('n1').explain().text).toBe(
    'n1 of group "test": it has failed.\n- This node has stopped itself: a sync failed; this storage takes no more writes: the disk is on fire. Mend the cause and restart the node.',
  )
})

// One node of a Raft group of dsys, in a process of its own: RaftNode over NatsTransport or TcpTransport, and FileLogStorage. It takes one
// command a line from standard input, and answers each with one line of JSON on standard output.
//
//   node dsys-node.mjs DIRECTORY ID VOTERS WIRE GENERATION
//
// WIRE is the URL of a NATS server, or tcp:n1=host:port,n2=host:port with all nodes.
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { RaftNode } from '../../packages/raft/dist/index.js'
import { rawBytes, systemRuntime } from '../../packages/runtime/dist/index.js'
import { FileLogStorage } from '../../packages/storage-file/dist/index.js'
import { NatsTransport } from '../../packages/transport-nats/dist/index.js'
import { TcpTransport } from '../../packages/transport-tcp/dist/index.js'
import { ELECTION_TIMEOUT_MS, ENTRY_BYTES, HEARTBEAT_MS } from '../target.mjs'

const TIMEOUT_MS = 30_000
const FIRST_EVERY_MS = 5
/** Written before the disk is probed, so that the probe does not measure how a file grows. */
const ROOM_BYTES = 1_048_576
const ECHO = 'bench-echo'
const ANSWER = 'bench-answer'
const EMPTY = new Uint8Array(0)

const [directory = '', id = '', voters = '', wire = '', generation = ''] = process.argv.slice(2)
const command = Buffer.alloc(ENTRY_BYTES, 7)
const machine = {
  initial: () => ({ count: 0 }),
  apply: (/** @type {{ count: number }} */ state) => ({ state, result: ++state.count }),
  commandCodec: rawBytes,
}

const logger = {
  log: (/** @type {string} */ level, /** @type {string} */ message, fields = {}) => {
    if (level === 'warn' || level === 'error') console.error(level, message, fields)
  },
  child: () => logger,
}
const runtime = { ...systemRuntime(), logger }
const identity = { cluster: 'bench', nodeId: id, generation: Number(generation) }
const transport = wire.startsWith('tcp:') ? overTcp() : new NatsTransport(runtime, { ...identity, servers: wire })
const log = new FileLogStorage(runtime, { directory: join(directory, id) })
const timeouts = { electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatIntervalMs: HEARTBEAT_MS }
const raft = new RaftNode(
  { ...runtime, transport, log, machine },
  { id, group: 'bench', voters: voters.split(','), ...timeouts },
)

function overTcp() {
  const peers = new Map(
    wire
      .slice('tcp:'.length)
      .split(',')
      .map((peer) => /** @type {[string, string]} */ (peer.split('='))),
  )
  const port = Number(peers.get(id)?.split(':')[1])
  return new TcpTransport(runtime, { ...identity, peers, listen: { port } })
}

/** How often something took so many microseconds. */
class Latencies {
  /** @type {Map<number, number>} */
  #counts = new Map()
  total = 0

  /** @param {number} fromMs @param {number} toMs */
  add(fromMs, toMs) {
    const us = Math.floor((toMs - fromMs) * 1_000)
    this.#counts.set(us, (this.#counts.get(us) ?? 0) + 1)
    this.total++
  }

  toJSON() {
    return [...this.#counts]
  }
}

async function status() {
  const { role, leader } = raft.status()
  return { role, leader: leader ?? '', applied: [await raft.read(({ count }) => count, { consistency: 'stale' })] }
}

/**
 * Proposes from so many callers at once, each again as soon as its last proposal was applied.
 *
 * @param {number} clients
 * @param {number} milliseconds
 */
async function run(clients, milliseconds) {
  const latencies = new Latencies()
  const begunMs = performance.now()
  const caller = async () => {
    for (let nowMs = performance.now(); nowMs < begunMs + milliseconds; ) {
      await raft.propose(command, { timeoutMs: TIMEOUT_MS })
      const afterMs = performance.now()
      latencies.add(nowMs, afterMs)
      nowMs = afterMs
    }
  }
  await Promise.all(Array.from({ length: clients }, caller))
  return { commits: latencies.total, us: Math.round((performance.now() - begunMs) * 1_000), latencies }
}

/**
 * Begins a new proposal every few milliseconds, whether the last one was answered or not, until one is committed or the
 * time is over.
 *
 * @param {number} milliseconds
 */
async function first(milliseconds) {
  /** @type {NodeJS.Timeout[]} */
  const timers = []
  const committed = await new Promise((resolve) => {
    const attempt = () => {
      // One that went to a leader that is gone may fail; those behind it go on.
      raft.propose(command, { timeoutMs: TIMEOUT_MS }).then(
        () => resolve(true),
        () => undefined,
      )
    }
    timers.push(
      setInterval(attempt, FIRST_EVERY_MS),
      setTimeout(() => resolve(false), milliseconds),
    )
    attempt()
  })
  for (const timer of timers) clearTimeout(timer)
  return { committed }
}

/**
 * Sends an empty frame to another node and waits until it is back, again and again.
 *
 * @param {number} times
 * @param {string} to
 */
async function trips(times, to) {
  const latencies = new Latencies()
  /** @type {() => void} */
  let answered = () => undefined
  const unlisten = transport.listen(ANSWER, () => answered())
  for (let i = 0; i < times; i++) {
    const startMs = performance.now()
    await new Promise((resolve) => {
      answered = () => resolve(undefined)
      if (!transport.send({ id: to }, ECHO, EMPTY)) throw new Error(`no frame could be sent to ${to}`)
    })
    latencies.add(startMs, performance.now())
  }
  unlisten()
  return { latencies }
}

/** Writes one entry to the same disk, where the file has room already, and syncs it, again and again. @param {number} times */
async function syncs(times) {
  const file = join(directory, id, 'probe')
  const fd = openSync(file, 'w')
  try {
    writeSync(fd, Buffer.alloc(ROOM_BYTES))
    fdatasyncSync(fd)
    const latencies = new Latencies()
    for (let i = 0; i < times; i++) {
      const startMs = performance.now()
      writeSync(fd, command, 0, command.length, (i * command.length) % ROOM_BYTES)
      fdatasyncSync(fd)
      latencies.add(startMs, performance.now())
      // The calls block; a leader that shows no life in between would be replaced.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { latencies }
  } finally {
    closeSync(fd)
    rmSync(file)
  }
}

/** @param {string} line */
function answerTo(line) {
  const [name, ...args] = line.split(' ')
  if (name === 'status') return status()
  if (name === 'run') return run(Number(args[0]), Number(args[1]))
  if (name === 'first') return first(Number(args[0]))
  if (name === 'trips') return trips(Number(args[0]), args[1] ?? '')
  if (name === 'syncs') return syncs(Number(args[0]))
  throw new Error(`unknown command "${line}"`)
}

// A profile of Node.js is written at an orderly end only.
process.on('SIGTERM', () => process.exit(0))
transport.listen(ECHO, (_frame, from) => void transport.send(from, ANSWER, EMPTY))
await Promise.all([transport.start(), log.start()])
await raft.start()
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answerTo(line))}\n`)
}
process.exit(0)

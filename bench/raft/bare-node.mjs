// What one commit costs at least in Node.js on this machine: the same messages and the same writes as with three nodes of Raft, and nothing
// else. It takes one command a line from standard input, and answers each with one line of JSON on standard output.
//
//   node bare-node.mjs FILE
import { closeSync, constants, fsyncSync, openSync, write, writeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { ENTRY_BYTES } from '../target.mjs'

/** Of an entry in a frame and of an answer, about as in the protocol of dsys. */
const MESSAGE_BYTES = ENTRY_BYTES + 64
const ANSWER_BYTES = 48
/** The log of dsys writes whole blocks of this, each durable when the call has ended, to a file that has its size from the start. */
const BLOCK_BYTES = 512
const FILE_BYTES = 8_388_608
const MAJORITY = 2

const [path = ''] = process.argv.slice(2)
const file = openLog()
const block = Buffer.alloc(BLOCK_BYTES, 7)
let position = 0

function openLog() {
  const fd = openSync(path, 'w')
  writeSync(fd, Buffer.alloc(FILE_BYTES, 1))
  fsyncSync(fd)
  closeSync(fd)
  return openSync(path, constants.O_RDWR | constants.O_DSYNC)
}

/** @param {() => void} durable */
function append(durable) {
  const at = position
  position = (position + BLOCK_BYTES) % FILE_BYTES
  write(file, block, 0, BLOCK_BYTES, at, (error) => {
    if (error !== null) throw error
    durable()
  })
}

/**
 * Calls back for each message of `bytes` bytes.
 *
 * @param {import('node:net').Socket} socket
 * @param {number} bytes
 * @param {() => void} onMessage
 */
function receive(socket, bytes, onMessage) {
  let received = 0
  socket.setNoDelay(true).on('data', (chunk) => {
    for (received += chunk.length; received >= bytes; received -= bytes) onMessage()
  })
}

/** Writes whatever it is sent, and answers. */
async function follow() {
  const answer = Buffer.alloc(ANSWER_BYTES)
  const server = createServer((socket) => {
    receive(socket, MESSAGE_BYTES, () => append(() => socket.write(answer)))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

/** One file: what was written last says when all before it is durable, so one write after the other. */
class Log {
  #isBusy = false
  /** @type {(() => void)[]} */
  #waiting = []

  /** @param {() => void} durable */
  append(durable) {
    this.#waiting.push(durable)
    if (!this.#isBusy) this.#write()
  }

  #write() {
    const batch = this.#waiting
    this.#waiting = []
    this.#isBusy = batch.length > 0
    if (this.#isBusy) {
      append(() => {
        this.#write()
        for (const durable of batch) durable()
      })
    }
  }
}

/**
 * Sends a message to each follower and writes it, again as soon as two of three have it on their disks.
 *
 * @param {number} milliseconds
 * @param {readonly number[]} ports
 */
async function lead(milliseconds, ports) {
  const message = Buffer.alloc(MESSAGE_BYTES, 7)
  const log = new Log()
  let [votes, resolve] = [0, () => undefined]
  let round = 0
  const vote = (/** @type {number} */ of) => {
    if (of === round && ++votes === MAJORITY) resolve()
  }
  const sockets = await Promise.all(
    ports.map(async (port) => {
      const socket = connect(port, '127.0.0.1')
      await new Promise((connected) => socket.once('connect', () => connected(undefined)))
      let answered = 0
      receive(socket, ANSWER_BYTES, () => vote(++answered))
      return socket
    }),
  )
  /** @type {Map<number, number>} */
  const latencies = new Map()
  const endMs = performance.now() + milliseconds
  for (let nowMs = performance.now(); nowMs < endMs; ) {
    votes = 0
    const number = ++round
    await new Promise((done) => {
      resolve = () => void done(undefined)
      for (const socket of sockets) socket.write(message)
      log.append(() => vote(number))
    })
    const afterMs = performance.now()
    const us = Math.floor((afterMs - nowMs) * 1_000)
    latencies.set(us, (latencies.get(us) ?? 0) + 1)
    nowMs = afterMs
  }
  for (const socket of sockets) socket.destroy()
  return { latencies: [...latencies] }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = line.split(' ')
  if (name !== 'follow' && name !== 'lead') throw new Error(`unknown command "${line}"`)
  const answer = name === 'follow' ? await follow() : await lead(Number(args[0]), args.slice(1).map(Number))
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
process.exit(0)

import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { findNatsServer } from '../tooling/nats-server/index.mjs'

const PROBES = 500
const PROBE_BYTES = 512
/** Room that is written first, so that the probe does not measure how a file grows. */
const PROBE_ROOM_BYTES = 1_048_576

/**
 * @typedef {object} Machine
 * @property {number} processors
 * @property {string} processor
 * @property {string} memory
 * @property {string} disk
 * @property {string} system
 * @property {string} node
 * @property {string} natsServer
 * @property {number} load processes that ran or wanted to, in the last minute before the bench
 * @property {{ medianUs: number, p99Us: number }} sync time of one small write with fdatasync on that disk
 */

/** Facts without which figures mean little. @param {string} directory where the clusters keep their data @returns {Machine} */
export function machine(directory) {
  const processors = cpus()
  const binary = findNatsServer()
  return {
    processors: processors.length,
    processor: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    disk: fileSystem(directory),
    system: `${type()} ${release()}, ${arch()}`,
    node: process.version,
    natsServer: binary === undefined ? 'none' : versionOf(binary),
    load: loadavg()[0] ?? Number.NaN,
    sync: syncTimes(join(directory, 'probe')),
  }
}

/** @param {string} binary */
function versionOf(binary) {
  const output = execFileSync(binary, ['--version'], { encoding: 'utf8' })
  return /\d+\.\d+\.\S+/.exec(output)?.[0] ?? 'unknown'
}

/** The type of the file system that holds a folder. @param {string} directory */
function fileSystem(directory) {
  if (process.platform !== 'linux') return 'unknown'
  const points = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, point = '?']) => point === '/' || directory === point || directory.startsWith(`${point}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length)
  const [device, , kind] = points[0] ?? []
  return `${kind} on ${device}`
}

/** @param {string} file */
function syncTimes(file) {
  const fd = openSync(file, 'w')
  try {
    writeSync(fd, Buffer.alloc(PROBE_ROOM_BYTES))
    fdatasyncSync(fd)
    const bytes = Buffer.alloc(PROBE_BYTES, 1)
    const times = Array.from({ length: PROBES }, (_, i) => {
      const startMs = performance.now()
      writeSync(fd, bytes, 0, bytes.length, i * PROBE_BYTES)
      fdatasyncSync(fd)
      return (performance.now() - startMs) * 1_000
    }).sort((a, b) => a - b)
    return { medianUs: times[PROBES / 2] ?? 0, p99Us: times[Math.floor(PROBES * 0.99)] ?? 0 }
  } finally {
    closeSync(fd)
    rmSync(file)
  }
}

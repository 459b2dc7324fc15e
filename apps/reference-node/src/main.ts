#!/usr/bin/env node
import { IdentityLostError } from '@dsys/raft'
import { ConfigError } from './config/config-error.ts'
import { readConfig } from './config/read-config.ts'
import type { NodeConfig } from './config/settings.ts'
import { EXIT_IDENTITY_LOST, identityLostHint } from './identity-lost-hint.ts'
import { pinoLogger } from './pino-logger.ts'
import { type NodeFailure, RunningNode } from './running-node.ts'
import { EXIT_SIDE_DOWN, SIDE_DOWN_HINT } from './side-down.ts'

/** Beside the time for requests: handing over, leaving, closing files. After that the process ends whatever hangs. */
const STOP_TIMEOUT_MS = 10_000
const LINGER_MS = 1_000
const EXIT_FAILED = 1
const EXIT_MISUSE = 2
const EXIT_SIGNAL = 128
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

function configOrExit(): NodeConfig {
  try {
    return readConfig(process.argv.slice(2), process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (error.help) process.stdout.write(error.message)
    else process.stderr.write(`${error.message}\n`)
    process.exit(error.help ? 0 : EXIT_MISUSE)
  }
}

const config = configOrExit()
const logger = pinoLogger(config.logLevel, { self: config.id, pid: process.pid })
const node = new RunningNode(config, { logger })
for (const warning of config.warnings) logger.log('warn', warning)
let stopping = false

function stop(why: string, exitCode: number): void {
  if (stopping) return
  stopping = true
  logger.log('info', 'stopping', { why })
  const deadline = setTimeout(() => {
    logger.log('error', 'stopping took too long; the process ends now')
    process.exit(EXIT_FAILED)
  }, config.drainTimeoutMs + STOP_TIMEOUT_MS)
  node.stop().then(
    () => {
      clearTimeout(deadline)
      process.exitCode = exitCode
      if (process.connected) process.disconnect()
      // The process ends by itself now. If something holds it, that is a defect, but no reason to stay.
      setTimeout(() => {
        logger.log('warn', 'something still held the process after all was stopped')
        process.exit(exitCode)
      }, LINGER_MS).unref()
    },
    (error: unknown) => {
      logger.log('error', 'stopping failed', { error })
      process.exit(EXIT_FAILED)
    },
  )
}

/** The node cannot go on, or must not: it ends, and the exit code says which of both. */
function fail(failure: NodeFailure): void {
  if (failure.kind === 'side-down') {
    const { why, split } = failure.decision
    const message = 'the cluster is split, and the side of this node does not go on; the node ends'
    logger.log('error', message, { why, split, hint: SIDE_DOWN_HINT })
    stop('its side of the split cluster does not go on', EXIT_SIDE_DOWN)
    return
  }
  const { error } = failure
  const isLost = error.cause instanceof IdentityLostError
  const hint = isLost ? identityLostHint(config.id) : undefined
  logger.log('error', 'the node has failed', { error, ...(hint === undefined ? {} : { hint }) })
  stop('the node has failed', isLost ? EXIT_IDENTITY_LOST : EXIT_FAILED)
}

for (const [signal, number] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    if (stopping) process.exit(EXIT_SIGNAL + number)
    stop(signal, 0)
  })
}
// A parent that started this process with a channel and is gone, in whatever way, wants no node left behind.
process.on('disconnect', () => stop('the parent process is gone', 0))
process.on('uncaughtException', (error) => {
  logger.log('error', 'an error that nobody expected; the process ends now', { error })
  process.exit(EXIT_FAILED)
})

try {
  await node.start()
  const { url: http, generation } = node
  const started = { type: 'started', id: config.id, http, generation, pid: process.pid }
  process.stdout.write(`${JSON.stringify(started)}\n`)
  process.send?.(started)
  void node.failure().then((failure) => {
    if (failure !== undefined) fail(failure)
  })
} catch (error) {
  if (!stopping) {
    logger.log('error', 'the node cannot start', { error })
    const why = error instanceof Error ? error.message : String(error)
    if (process.send === undefined) process.exit(EXIT_FAILED)
    else process.send({ type: 'failed', why }, () => process.exit(EXIT_FAILED))
  }
}

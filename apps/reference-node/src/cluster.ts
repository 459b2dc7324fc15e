#!/usr/bin/env node
import { resolve } from 'node:path'
import { systemClock } from '@dsys/runtime'
import { Command, InvalidArgumentError, Option } from 'commander'
import { askCluster, type ClusterView, whenFormed } from './launcher/cluster-client.ts'
import { ClusterLauncher } from './launcher/cluster-launcher.ts'
import { clusterScreen, leaderOf } from './launcher/screen.ts'
import { STOP_SIGNALS, StopSignals } from './launcher/stop-signals.ts'

const FORM_TIMEOUT_MS = 60_000
const WATCH_MS = 500
const MAX_NODES = 9

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

interface Flags {
  readonly nodes: number
  readonly transport?: 'nats' | 'tcp'
  readonly nats?: string
  readonly data: string
  readonly httpPort: number
  readonly logLevel: string
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const startMs = systemClock.monotonicMs() - process.uptime() * 1_000

const flags = new Command('npm start --')
  .description('Runs a cluster of dsys nodes on this machine.')
  .option('--nodes <count>', 'how many nodes', wholeNumber(1, MAX_NODES), 3)
  .addOption(
    new Option(
      '--transport <name>',
      'how the nodes reach each other; by default NATS where there is a server, else TCP',
    ).choices(['nats', 'tcp']),
  )
  .option('--nats <url>', 'the NATS server to use (NATS_URL); by default one from the PATH is started')
  .option('--data <folder>', 'where the nodes keep their data', '.data')
  .option('--http-port <port>', 'HTTP ports from here on; 0 takes free ones', wholeNumber(0, 65_000), 7_001)
  .option('--log-level <level>', 'what the nodes write into their log files', 'info')
  .parse()
  .opts<Flags>()

const directory = resolve(flags.data)
const launcher = new ClusterLauncher({
  nodes: flags.nodes,
  transport: flags.transport,
  nats: flags.nats ?? (process.env.NATS_URL || undefined),
  directory,
  httpPort: flags.httpPort,
  logLevel: flags.logLevel,
  say,
})
const stopped = new AbortController()

async function end(exitCode: number): Promise<never> {
  stopped.abort(new DOMException('the launcher stops', 'AbortError'))
  await launcher.stop()
  if (exitCode === 0) say('All of it has stopped.')
  process.exit(exitCode)
}

const signals = new StopSignals({
  onFirst: (signal) => {
    say(`\n${signal}: the nodes finish what is under way and stop. Once more ends them at once.`)
    void end(0).catch(fail)
  },
  onSecond: () => {
    launcher.kill()
    process.exit(1)
  },
})
for (const signal of STOP_SIGNALS) process.on(signal, () => signals.received(signal))

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  launcher.kill()
  process.exit(1)
}

/** Says when the leader changes, for those who kill one to see what happens. */
async function watchLeader(views: readonly ClusterView[]): Promise<void> {
  let shown = leaderOf(views)
  const look = async (): Promise<void> => {
    const seen = await Promise.all(launcher.nodes.map(({ url }) => askCluster(url)))
    const leader = leaderOf(seen)
    if (leader !== undefined && (leader.id !== shown?.id || leader.term !== shown.term)) {
      say(`The leader is now ${leader.id}, in term ${leader.term}.`)
      shown = leader
    }
    if (!stopped.signal.aborted) systemClock.setTimer(WATCH_MS, () => void look())
  }
  await look()
}

/** Whatever the launcher waits for or not, it lives until it is told to stop. */
const keepAlive = setInterval(() => undefined, 2 ** 30)

try {
  await launcher.start()
  const views = await whenFormed(
    launcher.nodes.map(({ url }) => url),
    FORM_TIMEOUT_MS,
    stopped.signal,
  )
  const seconds = (systemClock.monotonicMs() - startMs) / 1_000
  say(clusterScreen({ transport: launcher.transport, nodes: launcher.nodes, views, directory, seconds }))
  await watchLeader(views)
} catch (error) {
  if (!stopped.signal.aborted && !signals.toldBy(error)) {
    clearInterval(keepAlive)
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    await end(1).catch(fail)
  }
}

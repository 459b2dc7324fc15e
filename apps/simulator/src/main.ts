#!/usr/bin/env node
import { systemClock, systemRandom } from '@dsys/runtime'
import { type Call, parseArguments } from './command-line.ts'
import { explainCommand } from './commands/explain.ts'
import { hashesCommand } from './commands/hashes.ts'
import { replayCommand } from './commands/replay.ts'
import { EXIT_BAD, EXIT_GOOD, EXIT_MISUSE, type Session } from './commands/session.ts'
import { shrinkCommand } from './commands/shrink.ts'
import { storiesCommand } from './commands/stories.ts'
import { sweepCommand } from './commands/sweep.ts'
import { planThreads } from './runs/plan-thread.ts'
import { WatchedRuns } from './runs/watched-runs.ts'
import { UsageError } from './usage-error.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const NARROW = 80
/** As for a process that SIGPIPE has ended, which Node.js ignores. */
const EXIT_BROKEN_PIPE = 128 + 13

// Whoever read the output has seen enough, as `head` does: nothing is left to do for anybody.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(EXIT_BROKEN_PIPE)
  })
}

const session: Session = {
  clock: systemClock,
  random: systemRandom,
  screen: {
    isTty: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? NARROW,
    write: (text) => void process.stdout.write(text),
  },
  say: (line) => void process.stdout.write(`${line}\n`),
  onInterrupt: (action) => {
    // Once more ends the process: what is under way may not listen.
    for (const signal of SIGNALS) process.once(signal, action)
    return () => {
      for (const signal of SIGNALS) process.off(signal, action)
    }
  },
  runs: ({ module, hangSeconds }) =>
    new WatchedRuns({ clock: systemClock, spawn: planThreads({ module }) }, { hangMs: hangSeconds * 1_000 }),
}

async function run({ type, flags }: Call): Promise<number> {
  switch (type) {
    case 'sweep':
      return await sweepCommand(flags, session)
    case 'replay':
      return await replayCommand(flags, session)
    case 'explain':
      return await explainCommand(flags, session)
    case 'shrink':
      return await shrinkCommand(flags, session)
    case 'hashes':
      return await hashesCommand(flags, session)
    case 'stories':
      return await storiesCommand(flags, session)
  }
}

try {
  process.exitCode = await run(parseArguments(process.argv.slice(2)))
} catch (error) {
  if (error instanceof UsageError && error.help) {
    process.stdout.write(error.message)
    process.exitCode = EXIT_GOOD
  } else if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = EXIT_MISUSE
  } else {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = EXIT_BAD
  }
}

#!/usr/bin/env node
import { resolve } from 'node:path'
import { type CommandWorld, runCommand } from '../inspect/command.ts'
import { lockedBy } from './directory-lock.ts'
import { readOnlyDisk } from './node-disk.ts'

const world: CommandWorld = {
  open: async (directory) => {
    const root = resolve(directory)
    return { disk: readOnlyDisk(root), base: '', inUseBy: await lockedBy(root) }
  },
  print: (output) => void process.stdout.write(output),
  complain: (problem) => void process.stderr.write(problem),
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Who reads the output may have seen enough, as `head` has. That changes no verdict.
  if (error.code === 'EPIPE') return
  process.exitCode = 3
  world.complain(`The result cannot be printed: ${error.message}\n`)
})

// Nobody is left to be told, and the exit code stands: unheard, the error would end the process with 1.
process.stderr.on('error', () => undefined)

try {
  process.exitCode = await runCommand(process.argv.slice(2), world)
} catch (error) {
  // Node.js itself would exit with 1, which says that a log is damaged.
  process.exitCode = 3
  world.complain(`${error instanceof Error ? error.stack : String(error)}\n`)
}

#!/usr/bin/env node
import { readFile, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { type CommandWorld, runCommand } from './command.ts'

const world: CommandWorld = {
  read: (path) => (path === '-' ? text(process.stdin) : readFile(path, 'utf8')),
  write: (path, page) => writeFile(path, page),
  print: (output) => void process.stdout.write(output),
  complain: (problem) => void process.stderr.write(problem),
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Who reads the output may have seen enough, as `head` has. That changes no verdict.
  if (error.code === 'EPIPE') return
  process.exitCode = 3
  world.complain(`The result cannot be printed: ${error.message}\n`)
})

try {
  process.exitCode = await runCommand(process.argv.slice(2), world)
} catch (error) {
  // Node.js itself would exit with 1, which says that a history was judged and is wrong.
  process.exitCode = 3
  world.complain(`${error instanceof Error ? error.stack : String(error)}\n`)
}

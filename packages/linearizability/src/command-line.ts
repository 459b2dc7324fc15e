#!/usr/bin/env node
import { readFile, writeFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { type CommandWorld, runCommand } from './command.ts'

// Fatal: two keys that are not UTF-8 would else become one.
const utf8 = new TextDecoder('utf-8', { fatal: true })

const world: CommandWorld = {
  read: async (path) => utf8.decode(path === '-' ? await buffer(process.stdin) : await readFile(path)),
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

// Nobody is left to be told, and the exit code stands: unheard, the error would end the process with 1.
process.stderr.on('error', () => undefined)

try {
  process.exitCode = await runCommand(process.argv.slice(2), world)
} catch (error) {
  // Node.js itself would exit with 1, which says that a history was judged and is wrong.
  process.exitCode = 3
  world.complain(`${error instanceof Error ? error.stack : String(error)}\n`)
}

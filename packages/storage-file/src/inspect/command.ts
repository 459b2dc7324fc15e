import { parseArgs } from 'node:util'
import { DsysError } from '@dsys/runtime'
import type { Disk } from '@dsys/storage'
import { inspectLog } from './inspect.ts'
import { type Inspection, isSound } from './inspection.ts'
import { reportOf } from './report.ts'

/** All that the command line needs of its process. */
export interface CommandWorld {
  /** The folder that the caller names, to be read. */
  open(directory: string): Promise<{ readonly disk: Disk; readonly base: string; readonly inUseBy: number | undefined }>
  /** Prints a result. */
  print(text: string): void
  /** Prints what went wrong. */
  complain(text: string): void
}

/** 0 sound, 1 damaged, 2 called wrongly, 3 it could not be read. */
export type ExitCode = 0 | 1 | 2 | 3

/** What {@link runCommand} prints for `--help`, and when it is called wrongly. */
export const USAGE: string = `Usage:
  dsys-wal inspect [--group NAME] [--entries] [--json] DIRECTORY

Prints and checks what a FileLogStorage keeps in DIRECTORY, the one that holds
the folder wal. It changes nothing, takes no lock, and may be run while a node
uses the folder: then a write under way looks like one that was cut off.

  --group NAME  tell of this group alone
  --entries     list the entries: index, term, kind, length of the data
  --json        print the result as JSON

Exit codes: 0 sound, 1 damaged, 2 called wrongly, 3 it could not be read.
`

/** Why the arguments make no sense; thrown and caught here alone. */
class WrongUsage extends Error {}

interface Task {
  readonly directory: string
  readonly group: string | undefined
  readonly entries: boolean
  readonly json: boolean
}

/** Does what the arguments say, and returns the code to exit with. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<ExitCode> {
  if (args.includes('--help') || args.includes('-h')) {
    world.print(USAGE)
    return 0
  }
  try {
    const task = taskOf(args)
    const inspection = narrowed(await inspect(task, world), task)
    world.print(task.json ? `${JSON.stringify(inspection, undefined, 2)}\n` : reportOf(inspection, task))
    return isSound(inspection) ? 0 : 1
  } catch (error) {
    if (error instanceof WrongUsage) {
      world.complain(`dsys-wal: ${error.message}\n\n${USAGE}`)
      return 2
    }
    if (!(error instanceof DsysError)) throw error
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
    world.complain(`dsys-wal: ${error.message}${cause}\nNothing was judged.\n`)
    return 3
  }
}

function taskOf(args: readonly string[]): Task {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        group: { type: 'string' },
        entries: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    })
    const [command, directory, ...rest] = positionals
    if (command !== 'inspect') throw new WrongUsage(`the command is inspect, got ${command ?? 'none'}`)
    if (directory === undefined) throw new WrongUsage('the directory is missing')
    if (rest.length > 0) throw new WrongUsage(`one directory at a time, got also ${rest.join(' ')}`)
    return { directory, group: values.group, entries: values.entries, json: values.json }
  } catch (error) {
    // What parseArgs throws says what is wrong with the options.
    if (error instanceof TypeError) throw new WrongUsage(error.message)
    throw error
  }
}

async function inspect({ directory }: Task, world: CommandWorld): Promise<Inspection> {
  const { disk, base, inUseBy } = await world.open(directory)
  const names = await disk.list(base)
  if (!names.includes('wal')) {
    const inside = names.some((name) => name.endsWith('.wal'))
    throw new WrongUsage(
      inside
        ? `${directory} holds segments: give the folder above it`
        : `there is no log in ${directory}: it has no folder wal`,
    )
  }
  return inspectLog(disk, { base, directory, inUseBy })
}

/** Only what was asked for. The list of the entries is long. */
function narrowed(inspection: Inspection, { group, entries }: Task): Inspection {
  const { groups, refused } = inspection
  const chosen = group === undefined ? groups : groups.filter(({ name }) => name === group)
  if (chosen.length === 0 && group !== undefined && refused === undefined) {
    const known = groups.map(({ name }) => `"${name}"`).join(', ') || 'none'
    throw new WrongUsage(`there is no group "${group}" in this log; there are: ${known}`)
  }
  return { ...inspection, groups: entries ? chosen : chosen.map((each) => ({ ...each, list: [] })) }
}

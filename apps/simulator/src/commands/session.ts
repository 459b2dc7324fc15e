import type { Clock, Random } from '@dsys/runtime'
import type { Screen } from '../progress.ts'
import type { PlanRunner } from '../runs/watched-runs.ts'

/** What a command has of the world around it. */
export interface Session {
  readonly clock: Clock
  readonly random: Random
  readonly screen: Screen
  /** Writes a line. */
  readonly say: (line: string) => void
  /** Calls `action` when the user wants to end; returns what takes that back. */
  readonly onInterrupt: (action: () => void) => () => void
  /** Runs plans beside this thread, each with a limit of real time, so that none can hold up a command for ever. */
  readonly runs: (options: RunsOptions) => PlanRunner
}

/** How plans are run. */
export interface RunsOptions {
  /** The file with the scenarios; undefined for those of dsys. */
  readonly module: string | undefined
  /** A run that takes longer than this in real time hangs. */
  readonly hangSeconds: number
}

/** Everything was as it must be. */
export const EXIT_GOOD = 0
/** A promise was broken, a hash differs, or something expected never occurred. */
export const EXIT_BAD = 1
/** The command was not called as it can be. */
export const EXIT_MISUSE = 2
/** The user has ended it, and nothing bad was seen until then. */
export const EXIT_INTERRUPTED = 130

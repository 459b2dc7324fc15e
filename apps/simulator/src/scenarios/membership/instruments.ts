import type { MembershipPorts } from '@dsys/membership'

type Meter = MembershipPorts['meter']
type Logger = MembershipPorts['logger']

/** What the log says, and the branch of the product that says so. */
const BRANCHES: readonly (readonly [begins: string, branch: string])[] = [
  ['nobody answered yet', 'alone'],
  ['two processes run with one id', 'id-conflict'],
  ['there are more members', 'no-room'],
  ['the farewell was cut short', 'farewell-cut-short'],
  ['a later life of this node', 'superseded'],
  ['a frame was dropped', 'dropped-frame'],
  ['a node speaks', 'other-version'],
  ['a handler of a query failed', 'handler-failed'],
  ['the view of the cluster is', 'view'],
  ['split-brain resolver:', 'resolved'],
  ['the lease that decides a split could not', 'lease-failed'],
]

/** Where the instruments of one life report to. */
export interface InstrumentSink {
  readonly count: (what: string) => void
  /** Something has changed that promises may wait for. */
  readonly stirred: () => void
  /** The product has found a defect of its own. */
  readonly defect: (message: string) => void
}

/** A meter whose counters count branches: `branch.refutations`, `branch.dropped_frames.cluster`. */
export function branchMeter({ count, stirred }: InstrumentSink): Meter {
  return {
    counter: (name, options) => {
      const labels = Object.values(options?.labels ?? {}).map((label) => `.${label}`)
      const branch = `branch.${name.replace('dsys_membership_', '')}${labels.join('')}`
      return { add: () => count(branch) }
    },
    gauge: () => ({ set: stirred }),
    histogram: () => ({ record: () => undefined }),
  }
}

/** A logger that counts the branches that only the log tells of, and makes every defect a broken promise. */
export function branchLogger({ count, defect }: InstrumentSink): Logger {
  const logger: Logger = {
    log: (level, message, fields) => {
      const branch = BRANCHES.find(([begins]) => message.startsWith(begins))?.[1]
      if (branch !== undefined) count(`branch.${branch}`)
      else if (level === 'error' || level === 'warn') defect(`${message}: ${String(fields?.['error'])}`)
    },
    child: () => logger,
  }
  return logger
}

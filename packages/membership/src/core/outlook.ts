import type { Evidence } from '../evidence.ts'
import type { MemberFacts } from '../findings.ts'
import type { CutDetector } from './cut/cut-detector.ts'
import type { Detector } from './detector.ts'
import { isLive } from './record.ts'
import type { View } from './view.ts'

/** What an {@link Outlook} looks at. */
export interface OutlookContext {
  readonly view: View
  readonly detector: Detector
  readonly cut: CutDetector | undefined
  readonly rememberDeadMs: number
}

/** What this node can say about how others stand, and why. It reads, and changes nothing. */
export class Outlook {
  readonly #context: OutlookContext

  constructor(context: OutlookContext) {
    this.#context = context
  }

  /** By what the state of a node is known; `undefined` where nothing is known of it. */
  evidence(id: string): Evidence | undefined {
    return this.#context.view.get(id)?.evidence
  }

  /** What explains how a node stands, besides what happened to it; `undefined` where nothing is known of it. */
  facts(id: string, nowMs: number): MemberFacts | undefined {
    const { view, detector, cut, rememberDeadMs } = this.#context
    const entry = view.get(id)
    if (entry === undefined) return undefined
    const { failed, helpers, absent } = entry.tally
    const keptForMs = Math.max(0, Math.round(entry.sinceMs + rememberDeadMs - nowMs))
    return {
      evidence: entry.evidence,
      accusers: entry.accusers,
      probes: { failed, helpers, absent },
      refutesWithinMs: detector.refutesWithinMs(id, nowMs),
      alerts: cut?.alerts().find((alerts) => alerts.id === id),
      readmittedAfterMs: cut?.readmittedAfterMs(id, nowMs),
      forgottenInMs: isLive(entry.record.state) ? undefined : keptForMs,
    }
  }
}

import type { PeerAddress } from '@dsys/transport'
import type { Evidence } from '../evidence.ts'
import type { MemberFacts } from '../findings.ts'
import type { MembershipTopology, Observed, Prober, SuspicionOf } from '../topology.ts'
import type { CutDetector } from './cut/cut-detector.ts'
import type { Detector } from './detector.ts'
import { compareText, isLive } from './record.ts'
import type { Entry, View } from './view.ts'

/** What an {@link Outlook} looks at. */
export interface OutlookContext {
  readonly self: PeerAddress
  readonly view: View
  readonly detector: Detector
  readonly cut: CutDetector | undefined
  readonly rememberDeadMs: number
}

/** What this node can say about how others stand, and why. It changes nothing. */
export class Outlook {
  readonly #context: OutlookContext
  /** When each node that is known pinged this one last. */
  readonly #pingedMs = new Map<string, number>()

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

  /** A node asks whether this one is there. */
  onPing(from: string, nowMs: number): void {
    if (this.#context.view.get(from) !== undefined) this.#pingedMs.set(from, nowMs)
  }

  /** Nothing is known of the node any more. */
  forget(id: string): void {
    this.#pingedMs.delete(id)
  }

  /** Who probes and suspects whom. */
  topology(nowMs: number): MembershipTopology {
    const { self, view, detector, cut } = this.#context
    const live = [...view.live.keys()].sort(compareText)
    const probedBy = [...this.#pingedMs].map(([id, atMs]): Prober => ({ id, agoMs: Math.round(nowMs - atMs) }))
    const watched = [...live, self.id].sort(compareText)
    return Object.freeze({
      id: self.id,
      probes: cut === undefined ? live : cut.subjects().sort(compareText),
      ...detector.underWay(nowMs),
      probedBy: probedBy.sort(byId),
      suspicions: [...view.suspects.keys()].sort(compareText).map((id) => this.#suspicionOf(id, nowMs)),
      observed: watched.flatMap((id): Observed[] =>
        cut === undefined ? [] : [{ id, observers: cut.observersOf(id) }],
      ),
    })
  }

  #suspicionOf(id: string, nowMs: number): SuspicionOf {
    const { view, detector } = this.#context
    const { record, accusers, sinceMs } = view.suspects.get(id) as Entry
    const leftMs = detector.refutesWithinMs(id, nowMs) ?? Number.POSITIVE_INFINITY
    return {
      id,
      generation: record.generation,
      accusers,
      forMs: Math.round(nowMs - sinceMs),
      refutesWithinMs: Number.isFinite(leftMs) ? Math.round(leftMs) : undefined,
    }
  }
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => compareText(a.id, b.id)

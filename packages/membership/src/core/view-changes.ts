import { invariant } from '@dsys/runtime'
import type { Evidence } from '../evidence.ts'
import type { AntiEntropy } from './anti-entropy.ts'
import type { Courier } from './courier.ts'
import type { CutDetector } from './cut/cut-detector.ts'
import type { Detector } from './detector.ts'
import type { GossipSchedule } from './gossip-schedule.ts'
import type { CoreOptions, CoreParts } from './parts.ts'
import type { MemberRecord } from './record.ts'
import type { Cause, Entry, View } from './view.ts'

/** What changes of the view need of the core around them. Who changes the view is made of these changes, so some of it comes later. */
export interface ViewChangesContext {
  readonly options: CoreOptions
  readonly view: View
  readonly courier: Courier
  readonly gossip: GossipSchedule
  readonly detector: () => Detector
  readonly antiEntropy: () => AntiEntropy
  readonly cut: () => CutDetector | undefined
  readonly buggify: CoreParts['buggify']
}

/** The one place where the view changes: every change is news to pass on, and whoever goes by the view is told. */
export class ViewChanges implements Pick<CoreParts, 'apply' | 'announce' | 'confirm'> {
  readonly #context: ViewChangesContext

  constructor(context: ViewChangesContext) {
    this.#context = context
  }

  readonly apply = (record: MemberRecord, cause: Cause): boolean => {
    const { view, courier, gossip } = this.#context
    if (!view.apply(record, cause)) return false
    const detector = this.#context.detector()
    this.#context.antiEntropy().met(record.id)
    detector.suspicions.changed(record.id)
    courier.spread(record)
    invariant(courier.newsSize <= view.entries.size, 'news is of nodes that are known')
    gossip.news(cause.nowMs)
    if (view.live.has(record.id)) detector.rotation.add(record.id)
    else detector.forget(record.id)
    this.#context.cut()?.changed(record, cause.nowMs)
    return true
  }

  readonly announce = (record: MemberRecord, nowMs: number): void => {
    const { options, courier, gossip, buggify } = this.#context
    const isLost = options.canBroadcast && buggify('membership.lost-broadcast')
    if (options.canBroadcast && !isLost) courier.broadcast(record, nowMs)
    else gossip.hurry(nowMs)
  }

  /** Others shall count whoever is new among the accusers as well. */
  readonly confirm = (entry: Entry, accusers: readonly string[], nowMs: number): boolean => {
    const { view, courier, gossip } = this.#context
    if (!view.accuse(entry, accusers)) return false
    this.#context.detector().suspicions.changed(entry.record.id)
    courier.spread(entry.record)
    gossip.news(nowMs)
    return true
  }

  /** This node saw that a member is not there, and tells the others. */
  accuse(entry: Entry, state: 'suspect' | 'dead', evidence: Evidence, nowMs: number): void {
    const record: MemberRecord = { ...entry.record, state }
    // A death has the accusers of the suspicion: that its time is over is nothing that this node saw.
    const accusers = state === 'suspect' ? [this.#context.options.self.id] : entry.accusers
    if (this.apply(record, { nowMs, evidence, accusers })) this.announce(record, nowMs)
  }
}

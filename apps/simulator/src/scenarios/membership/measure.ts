import type { MembershipEvent } from '@dsys/membership'

/** Upper ends of the classes of detection times, in virtual milliseconds. */
const CLASSES_MS = [250, 500, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 20_000, 60_000]

/**
 * What is measured and not judged, as counts that can be added over many seeds:
 *
 * - `measure.suspicions`, `measure.false-suspicions`: events at one observer; false where that life still runs, be it paused
 *   or cut off; `measure.deaths` and `measure.false-deaths` in the same way;
 * - `measure.detections`, `measure.detection-ms` (their sum) and `measure.detection-ms<=N`: from the end of a life to the
 *   event at one observer;
 * - `measure.node-seconds`: how long nodes have run, so that rates can be given.
 */
export class Measure {
  readonly #counts: Map<string, number>
  readonly #nowMs: () => number
  readonly #lives = new Set<string>()
  readonly #endedMs = new Map<string, number>()

  constructor(counts: Map<string, number>, nowMs: () => number) {
    this.#counts = counts
    this.#nowMs = nowMs
  }

  begins(id: string, generation: number): void {
    this.#lives.add(`${id}/${generation}`)
  }

  /** A life has ended, by a crash or by a leave, after `ranMs`. */
  ends(id: string, generation: number, ranMs: number): void {
    const life = `${id}/${generation}`
    this.#lives.delete(life)
    this.#endedMs.set(life, this.#nowMs())
    this.#add('measure.node-seconds', Math.round(ranMs / 1_000))
  }

  /** An event that one observer was told. */
  event(event: MembershipEvent): void {
    if (event.type !== 'MemberSuspected' && event.type !== 'MemberDown') return
    const life = `${event.member.id}/${event.member.generation}`
    const isFalse = this.#lives.has(life)
    const what = event.type === 'MemberDown' ? 'deaths' : 'suspicions'
    this.#add(`measure.${what}`, 1)
    if (isFalse) this.#add(`measure.false-${what}`, 1)
    const endedMs = this.#endedMs.get(life)
    // Where a later life has begun, that told of the end, and nobody had to find it out.
    const isFound = event.type === 'MemberDown' && event.evidence.kind !== 'later-life'
    if (isFound && endedMs !== undefined) this.#detection(this.#nowMs() - endedMs)
  }

  #detection(tookMs: number): void {
    this.#add('measure.detections', 1)
    this.#add('measure.detection-ms', Math.round(tookMs))
    const most = CLASSES_MS.find((classMs) => tookMs <= classMs)
    this.#add(most === undefined ? 'measure.detection-ms>60000' : `measure.detection-ms<=${most}`, 1)
  }

  #add(what: string, by: number): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by)
  }
}

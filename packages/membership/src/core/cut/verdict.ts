import { compareText } from '../record.ts'
import { majorityOf, type WatermarkOptions, type Watermarks, watermarksFor } from './watermarks.ts'

/** What is known of one member that at least one of its observers does not reach. */
export interface Case {
  readonly subject: string
  readonly observers: readonly string[]
  /** Those of the observers that do not reach it. */
  readonly alerting: ReadonlySet<string>
  /** Those of the observers that said lately that they do reach it. */
  readonly vouching: ReadonlySet<string>
  /** It has been so for so long that observers which said nothing are not waited for. */
  readonly isRipe: boolean
}

/** Both in the order of ids. */
export interface Verdict {
  /** Those whom so many observers do not reach that they are to be removed. */
  readonly out: readonly string[]
  /** Those of whom that is not clear yet. */
  readonly doubted: readonly string[]
}

/** What speaks against one member, counted among those who have a voice. */
interface Count {
  readonly of: Case
  against: number
  voices: number
}

/**
 * Who is out, by what all observers say. It depends on nothing else, so the order in which it was learned does not matter, nor how often.
 *
 * Whoever is out has no voice any more: a member that hears nothing takes all that it observes for dead, and this must not count against them. So
 * those with the largest share of observers against them are taken out first, and the others are counted anew.
 *
 * 1. A member is out from the high watermark on.
 * 2. Where nobody is, observers that are themselves in doubt have no voice, and a member in doubt is out when the others are against it
 *    (Rapid's implicit alerts: who fails together with its observers would else never reach the mark).
 * 3. A case that is ripe needs more than half of those who said something (in place of Rapid's reinforcement).
 */
export function judge(cases: readonly Case[], options: WatermarkOptions): Verdict {
  const out = new Set<string>()
  let open = cases.map((one): Count => count(one, () => true))
  const observedBy = byObserver(open)
  const marks: Watermarks[] = []
  const marksOf = (voices: number): Watermarks => (marks[voices] ??= watermarksFor(options, voices))
  for (;;) {
    const marked = open.filter(({ voices, against }) => against >= marksOf(voices).high)
    const doubted = new Set(
      open.filter(({ voices, against }) => voices > 0 && against >= marksOf(voices).low).map((one) => one.of.subject),
    )
    const hasVoice = (observer: string): boolean => !out.has(observer) && !doubted.has(observer)
    const next = marked.length > 0 ? marked : open.flatMap(({ of }) => implied(of, hasVoice, doubted, options))
    const gone = new Set(worst(next).map(({ subject }) => subject))
    for (const subject of gone) {
      out.add(subject)
      for (const one of observedBy.get(subject) ?? []) silence(one, subject)
    }
    if (next.length === 0) return { out: [...out].sort(compareText), doubted: [...doubted].sort(compareText) }
    open = open.filter(({ of }) => !out.has(of.subject))
  }
}

/** What each of them observes: so whoever goes out is not looked for in all cases. */
function byObserver(counts: readonly Count[]): ReadonlyMap<string, readonly Count[]> {
  const observedBy = new Map<string, Count[]>(counts.map(({ of }) => [of.subject, []]))
  for (const one of counts) for (const observer of one.of.observers) observedBy.get(observer)?.push(one)
  return observedBy
}

/** `observer` is out. */
function silence(one: Count, observer: string): void {
  one.voices -= 1
  if (one.of.alerting.has(observer)) one.against -= 1
}

function count(of: Case, hasVoice: (observer: string) => boolean): Count {
  const voices = of.observers.filter(hasVoice)
  return { of, voices: voices.length, against: voices.filter((observer) => of.alerting.has(observer)).length }
}

/** The case, counted without those in doubt, where that is enough to take it out. */
function implied(
  one: Case,
  hasVoice: (observer: string) => boolean,
  doubted: ReadonlySet<string>,
  options: WatermarkOptions,
): Count[] {
  if (!one.isRipe && !doubted.has(one.subject)) return []
  const speaks = (observer: string): boolean => one.alerting.has(observer) || one.vouching.has(observer)
  const counted = count(one, (observer) => hasVoice(observer) && (!one.isRipe || speaks(observer)))
  const needed = one.isRipe ? majorityOf(counted.voices) : watermarksFor(options, counted.voices).high
  return counted.against >= needed ? [counted] : []
}

/** Those with the largest share against them; compared by products, which are exact. */
function worst(counts: readonly Count[]): Case[] {
  let [most, ...others] = counts
  if (most === undefined) return []
  for (const one of others) if (one.against * most.voices > most.against * one.voices) most = one
  const { against, voices } = most
  return counts.filter((one) => one.against * voices === against * one.voices).map(({ of }) => of)
}

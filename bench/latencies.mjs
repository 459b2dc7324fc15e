/**
 * What one run of wrk has counted.
 *
 * @typedef {object} WrkResult
 * @property {number} answers also those with an error status
 * @property {number} durationUs
 * @property {number} bytes
 * @property {number} errors connections that failed, answers that came too late or with a status of 400 and above
 * @property {number} refused the part of the errors that were answers, with a status of 400 and above
 * @property {Map<number, number>} latencies how often each latency in microseconds was seen
 */

/**
 * Reads what replay.lua has printed.
 *
 * @param {string} output
 * @param {number} connections of that run
 * @returns {WrkResult}
 */
export function parseWrk(output, connections) {
  const [, answers, durationUs, bytes] = numbers(/^dsys-bench summary (\d+) (\d+) (\d+)$/m.exec(output))
  const errorLine = /^dsys-bench errors (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output)
  const [, connect = 0, read = 0, write = 0, timeout = 0, refused = 0] = numbers(errorLine)
  if (answers === undefined || durationUs === undefined || bytes === undefined || errorLine === null) {
    throw new Error(`wrk did not say what it measured:\n${output.slice(0, 2_000)}`)
  }
  const counted = new Map(
    [...output.slice(errorLine.index).matchAll(/^(\d+) (\d+)$/gm)].map((match) => [Number(match[1]), Number(match[2])]),
  )
  const latencies = withoutCorrection(counted, Math.floor(durationUs / Math.floor(answers / connections)))
  const seen = sum(latencies.values())
  if (seen + timeout !== answers) throw new Error(`wrk counted ${answers} answers, but ${seen} latencies`)
  return { answers, durationUs, bytes, errors: connect + read + write + timeout + refused, refused, latencies }
}

/** @param {RegExpExecArray | null} match */
const numbers = (match) => (match ?? []).map(Number)

/** @param {Iterable<number>} values */
const sum = (values) => {
  let total = 0
  for (const value of values) total += value
  return total
}

/**
 * Takes back what wrk adds to its latencies. wrk assumes that each connection wants to send every `intervalUs`, its mean
 * latency, and for an answer that took longer it adds the ones that would have waited meanwhile. A closed loop has none of
 * these: a client sends only when it has its answer. wrk adds for each latency n >= 2 intervals one at n - interval,
 * n - 2 intervals, ... down to, without, one interval; so the longest latencies are pure, and each other is pure once what
 * the longer ones have added is taken off.
 *
 * @param {ReadonlyMap<number, number>} counted
 * @param {number} intervalUs
 * @returns {Map<number, number>}
 */
export function withoutCorrection(counted, intervalUs) {
  const pure = new Map(counted)
  if (!Number.isFinite(intervalUs) || intervalUs < 1) return pure
  const descending = [...counted.keys()].sort((a, b) => b - a)
  for (const latency of descending) {
    const count = pure.get(latency) ?? 0
    if (count === 0) pure.delete(latency)
    if (count === 0 || latency < 2 * intervalUs) continue
    for (let added = latency - intervalUs; added > intervalUs; added -= intervalUs) {
      pure.set(added, (pure.get(added) ?? 0) - count)
    }
  }
  return pure
}

/**
 * @param {readonly ReadonlyMap<number, number>[]} histograms
 * @returns {Map<number, number>}
 */
export function merge(histograms) {
  const all = new Map()
  for (const histogram of histograms) {
    for (const [latency, count] of histogram) all.set(latency, (all.get(latency) ?? 0) + count)
  }
  return all
}

/**
 * The smallest latency that at least `share` of all stay within.
 *
 * @param {ReadonlyMap<number, number>} histogram
 * @param {number} share between 0 and 1
 */
export function quantile(histogram, share) {
  const wanted = share * sum(histogram.values())
  let seen = 0
  for (const [latency, count] of [...histogram].sort(([a], [b]) => a - b)) {
    seen += count
    if (seen >= wanted) return latency
  }
  return Number.NaN
}

/**
 * The smallest of the values that at least `share` of all stay within.
 *
 * @param {readonly number[]} values
 * @param {number} share between 0 and 1
 */
export function quantileOf(values, share) {
  return quantile(merge(values.map((value) => new Map([[value, 1]]))), share)
}

/** The middle one; of an even number, the mean of the two in the middle. @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return (low + high) / 2
}

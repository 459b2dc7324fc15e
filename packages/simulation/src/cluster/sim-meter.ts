import type { Counter, Gauge, Histogram, Meter, MetricOptions } from '@dsys/runtime'

/** What was measured under one name with one set of labels. */
export interface Measurement {
  /** Of a counter the sum, of a gauge what was set last, of a histogram the last value. */
  readonly value: number
  /** How often it was told. */
  readonly count: number
}

/** A {@link Meter} to read from: it keeps what was measured, by name and labels: `name{label=value}`. */
export class SimMeter implements Meter {
  readonly #measured = new Map<string, { value: number; count: number }>()

  /** What was measured so far. */
  get measurements(): ReadonlyMap<string, Measurement> {
    return this.#measured
  }

  counter(name: string, options?: MetricOptions): Counter {
    const tell = this.#teller(name, options)
    return { add: (amount) => tell((value) => value + amount) }
  }

  gauge(name: string, options?: MetricOptions): Gauge {
    const tell = this.#teller(name, options)
    return { set: (value) => tell(() => value), remove: () => void this.#measured.delete(keyOf(name, options)) }
  }

  histogram(name: string, options?: MetricOptions): Histogram {
    const tell = this.#teller(name, options)
    return { record: (value) => tell(() => value) }
  }

  #teller(name: string, options?: MetricOptions): (next: (value: number) => number) => void {
    const key = keyOf(name, options)
    return (next) => {
      const known = this.#measured.get(key) ?? { value: 0, count: 0 }
      this.#measured.set(key, known)
      known.value = next(known.value)
      known.count++
    }
  }
}

function keyOf(name: string, { labels = {} }: MetricOptions = {}): string {
  const list = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
  return list.length === 0 ? name : `${name}{${list.sort().join(',')}}`
}

import type { Counter, Gauge, Histogram, Meter, MetricOptions } from '@dsys/runtime'
import * as prometheus from 'prom-client'

/** Upper bounds of the buckets of a histogram, by the unit of what it measures. */
const BUCKETS: Readonly<Record<string, readonly number[]>> = Object.freeze({
  // From the sync of a good disk, and a message on one machine, to the longest deadline of an operation.
  ms: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000],
  // From 1 KiB to 4 GiB: snapshots.
  bytes: Array.from({ length: 12 }, (_, i) => 1_024 * 4 ** i),
})
/** Without a unit of its own it is a number of things: the entries of a turn, the writes of a batch. */
const COUNTS: readonly number[] = Object.freeze([1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000])

interface Configuration {
  readonly name: string
  readonly help: string
  readonly labelNames: string[]
  readonly registers: prometheus.Registry[]
}

/**
 * The Meter port over prom-client: all that the parts of one node measure, as a page for Prometheus. A value that is no number is left out: no
 * measurement is a reason to stop what is measured.
 */
export class PrometheusMeter implements Meter {
  readonly #registry = new prometheus.Registry()
  readonly #metrics = new Map<string, prometheus.Metric>()

  counter(name: string, options: MetricOptions = {}): Counter {
    const metric = this.#metric(name, options, prometheus.Counter, (config) => new prometheus.Counter(config))
    const series = metric.labels({ ...options.labels })
    // It is there before the first increase, so that this one is seen too.
    series.inc(0)
    return { add: (amount) => void (amount >= 0 && Number.isFinite(amount) && series.inc(amount)) }
  }

  gauge(name: string, options: MetricOptions = {}): Gauge {
    const metric = this.#metric(name, options, prometheus.Gauge, (config) => new prometheus.Gauge(config))
    const labels = { ...options.labels }
    return {
      set: (value) => void (Number.isFinite(value) && metric.set(labels, value)),
      remove: () => metric.remove(labels),
    }
  }

  histogram(name: string, options: MetricOptions = {}): Histogram {
    const buckets = [...(BUCKETS[options.unit ?? ''] ?? COUNTS)]
    const make = (config: Configuration): prometheus.Histogram => new prometheus.Histogram({ ...config, buckets })
    const metric = this.#metric(name, options, prometheus.Histogram, make)
    metric.zero({ ...options.labels })
    const series = metric.labels({ ...options.labels })
    return { record: (value) => void (Number.isFinite(value) && series.observe(value)) }
  }

  /** The type of the page. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** All series as they are now, in the text format of Prometheus. */
  page(): Promise<string> {
    return this.#registry.metrics()
  }

  /** The metric of this name; those who share one differ in the values of its labels alone. */
  #metric<M extends prometheus.Metric>(
    name: string,
    { labels = {}, description = name }: MetricOptions,
    kind: abstract new (config: never) => M,
    make: (config: Configuration) => M,
  ): M {
    const known = this.#metrics.get(name)
    if (known instanceof kind) return known
    if (known !== undefined) throw new TypeError(`the metric ${name} is asked for as two kinds`)
    const metric = make({ name, help: description, labelNames: Object.keys(labels), registers: [this.#registry] })
    this.#metrics.set(name, metric)
    return metric
  }
}

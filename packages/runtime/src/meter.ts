/** Labels of one time series. Keep the number of distinct values small. */
export type MetricLabels = Readonly<Record<string, string>>

/** A number that only grows. */
export interface Counter {
  add(amount: number): void
}

/** A number that moves both ways. */
export interface Gauge {
  set(value: number): void
  /**
   * Ends the series, because what it told of is gone, a member that left for instance; a later `set` begins it anew. A meter that keeps no
   * series, or cannot end one, has no such method.
   */
  remove?(): void
}

/** A distribution of measurements. */
export interface Histogram {
  record(value: number): void
}

/** What a metric means, for the one who reads it. */
export interface MetricOptions {
  readonly description?: string
  /** The unit of the value, for instance `ms` or `bytes`. */
  readonly unit?: string
  readonly labels?: MetricLabels
}

/**
 * The port for metrics. Instruments are asked for once and kept; recording is cheap. Names are snake_case and begin
 * with `dsys_`.
 */
export interface Meter {
  counter(name: string, options?: MetricOptions): Counter
  gauge(name: string, options?: MetricOptions): Gauge
  histogram(name: string, options?: MetricOptions): Histogram
}

const nothing = (): void => undefined

/** A meter that keeps nothing: the default of `systemRuntime`. */
export const silentMeter: Meter = Object.freeze({
  counter: (): Counter => ({ add: nothing }),
  gauge: (): Gauge => ({ set: nothing }),
  histogram: (): Histogram => ({ record: nothing }),
})

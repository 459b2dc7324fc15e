export type { Buggify } from './buggify.ts'
export type { Clock, TimerHandle } from './clock.ts'
export { type Codec, json, rawBytes, utf8 } from './codec.ts'
export { Deadlines } from './deadlines.ts'
export { DsysError, type DsysErrorDetails, InvariantError, invariant, NotRunningError, type Outcome } from './errors.ts'
export { EventHub, EventsLaggedError, type SubscribeOptions } from './event-hub.ts'
export { Lifecycle, type LifecycleHooks, type LifecycleState, type Service, type StartOptions } from './lifecycle.ts'
export { type LogFields, type Logger, type LogLevel, silentLogger } from './logger.ts'
export {
  type Counter,
  type Gauge,
  type Histogram,
  type Meter,
  type MetricLabels,
  type MetricOptions,
  silentMeter,
} from './meter.ts'
export { delay, Pending, type PendingOptions } from './pending.ts'
export { integerIn, type Random } from './random.ts'
export { SeededRandom } from './seeded-random.ts'
export { systemClock } from './system-clock.ts'
export { systemRandom } from './system-random.ts'
export { type Runtime, systemRuntime } from './system-runtime.ts'
export { type QueuedTimer, TimerQueue } from './timer-queue.ts'
export { drainMicrotasks, VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'

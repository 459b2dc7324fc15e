export { Aim, Counts, seededBuggify } from './chance.ts'
export { checksumOf, hashText, mixIn } from './checksum.ts'
export { testCluster } from './cluster/create-test-cluster.ts'
export type { Duration } from './cluster/duration.ts'
export {
  DeadlineError,
  FaultImpossibleError,
  NobodyRunsError,
  NodeDownError,
  NodeLostError,
  NotDeterministicError,
  RealWorldError,
  SeedFailedError,
  SimulationEndedError,
  StartFailedError,
  UnhandledRejectionError,
} from './cluster/errors.ts'
export { type FileLogParts, fileLog, storedGeneration } from './cluster/file-log.ts'
export { KvService, type KvServiceOptions, startKv } from './cluster/kv-service.ts'
export { type LifeParts, SimLife } from './cluster/life.ts'
export type { LogLine } from './cluster/log-book.ts'
export { type MachineOptions, type MachineParts, type MachineProgram, SimMachine } from './cluster/machine.ts'
export { type MachineDisk, SimMachineDisk } from './cluster/machine-disk.ts'
export { type ClusterBody, type ForSeedsOptions, forSeeds, type Seeds, sameTwice } from './cluster/repeated-runs.ts'
export { type Measurement, SimMeter } from './cluster/sim-meter.ts'
export type { TestCluster } from './cluster/test-cluster.ts'
export type {
  ChaosOptions,
  ElectedOptions,
  RestartOptions,
  TestClusterOptions,
  WaitOptions,
} from './cluster/test-cluster-options.ts'
export type { StartService, TestNode, TestService } from './cluster/test-node.ts'
export { TrackedNetwork } from './cluster/tracked-network.ts'
export { SimWorld, type SimWorldParts } from './cluster/world.ts'
export type { DiskTimingKnobs } from './disk/disk-timing.ts'
export {
  type DiskFault,
  type SimCrash,
  SimDisk,
  type SimDiskKnobs,
  type SimDiskPorts,
  type SimMountPorts,
} from './disk/sim-disk.ts'
export { StuckError } from './errors.ts'
export { explainHtml } from './explain-html.ts'
export { explainText } from './explain-text.ts'
export type { ExplainOptions } from './explain-time-line.ts'
export { drawFaults, type FaultKnobs } from './faults/draw-faults.ts'
export type { FaultAction, FaultContext } from './faults/fault-action.ts'
export { FAULTS, Nemesis, type NemesisParts } from './faults/nemesis.ts'
export { guard } from './guard.ts'
export { MachineClock, type MachineClockOptions } from './machine-clock.ts'
export { SimUnreachableError } from './network/errors.ts'
export { type Deliver, type LinkKnobs, type SimFaults, SimLinks, type SimLinksPorts } from './network/links.ts'
export {
  type SimEndpointOptions,
  SimNetwork,
  type SimNetworkOptions,
  type SimNetworkPorts,
} from './network/sim-network.ts'
export type { SimTransport } from './network/sim-transport.ts'
export type { AimedCrash, Aims, Fault, Json, Operation, Plan } from './plan.ts'
export { assertPlan, type OperationShape, type PlanMaker, type PlanShape } from './plan-shape.ts'
export { SimProcess } from './process.ts'
export { type Compared, firstDifference, runDifference } from './run-difference.ts'
export {
  BrokenPromise,
  promise,
  type RunOptions,
  type RunResult,
  type Scenario,
  type Violation,
} from './scenario.ts'
export { Scheduler, type SchedulerOptions, type Turns } from './scheduler.ts'
export { heavyTailMs, pick, some } from './seed.ts'
export {
  type PlanPart,
  type PlanSize,
  type ShrinkOptions,
  type ShrinkProgress,
  type ShrinkResult,
  shrink,
  thrownViolation,
} from './shrink.ts'
export { formatStory, parseStory, type Story } from './story.ts'
export { Trace, type TraceEvent } from './trace.ts'
export {
  type CrashFate,
  FaultAtlas,
  type FaultyDisk,
  type FaultyNetwork,
  type FaultyNode,
  type FaultyWorld,
  type LinkTrouble,
  type Restore,
} from './world.ts'

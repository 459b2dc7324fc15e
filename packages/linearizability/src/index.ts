export { type CheckResult, checkLinearizability, type PartitionResult, type Verdict } from './check.ts'
export {
  HistoryError,
  type HistoryErrorOutcome,
  HistoryFormatError,
  HistoryModelError,
  HistoryOrderError,
} from './errors.ts'
export type { Failure, PlacedOperation } from './failure.ts'
export {
  collectOperations,
  type HistoryEvent,
  type InvokeEvent,
  type NoResultEvent,
  type OkEvent,
  type Operation,
} from './history.ts'
export { formatHistory, HISTORY_FORMAT, type ParsedHistory, parseHistory } from './history-codec.ts'
export type { Json } from './json.ts'
export { type AnyModel, type Foresight, IMPOSSIBLE, type Mark, type Model, type RecordedOperation } from './model.ts'
export { MODEL_NAMES, modelByName } from './models/by-name.ts'
export { type Creation, type KeyState, keyValueModel } from './models/key-value.ts'
export { keyValueMapModel, type MapState } from './models/key-value-map.ts'
export type { KeyValueInput, KeyValueOutput, RevisedValue } from './models/key-value-operations.ts'
export { type ListInput, type ListState, listAppendModel } from './models/list-append.ts'
export { type LockInput, type LockModelOptions, type LockOutput, type LockState, lockModel } from './models/lock.ts'
export type { PersistentMap } from './models/persistent-map.ts'
export { type QueuedItem, type QueueInput, type QueueOutput, type QueueState, queueModel } from './models/queue.ts'
export { type CasRegisterInput, casRegisterModel, type RegisterInput, registerModel } from './models/register.ts'
export { type SetInput, type SetState, setModel } from './models/set.ts'
export { CHECK_DEFAULTS, type CheckOptions } from './options.ts'
export { drawFailure } from './picture.ts'
export { HistoryRecorder, type HistoryRecorderOptions, type RecordedCall } from './recorder.ts'
export {
  ANOMALY_KINDS,
  type Anomaly,
  type AnomalyKind,
  type CycleKind,
  type CycleStep,
  type DirectKind,
  type Relation,
} from './transactions/anomalies.ts'
export { checkTransactions, type TransactionCheckOptions, type TransactionReport } from './transactions/check.ts'
export {
  type MicroOperation,
  type ReadResult,
  type TransactionEvent,
  TransactionHistoryError,
  type TransactionKey,
  type TransactionModel,
  type TransactionValue,
} from './transactions/history.ts'
export { formatTransactions, parseTransactions } from './transactions/json-lines.ts'
export { CONSISTENCY_MODELS, type ConsistencyModel } from './transactions/models.ts'
export { drawTransactionReport } from './transactions/picture.ts'
export { type PendingTransaction, TransactionRecorder } from './transactions/recorder.ts'
export { formatTransactionReport } from './transactions/report.ts'

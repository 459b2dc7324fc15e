import { checkTransactions, formatTransactionReport, TransactionRecorder } from '@dsys/linearizability'

const recorder = new TransactionRecorder()
const alice = recorder.invoke('alice', [
  ['r', 'x'],
  ['append', 'y', 1],
])
const bob = recorder.invoke('bob', [
  ['r', 'y'],
  ['append', 'x', 2],
])
alice.ok([
  ['r', 'x', []],
  ['append', 'y', 1],
])
bob.ok([
  ['r', 'y', []],
  ['append', 'x', 2],
])
const report = checkTransactions(recorder.events(), { model: 'list-append', expected: 'serializable' })
console.log(report.valid, report.anomalies[0]?.kind) // false G2-item
console.log(formatTransactionReport(report).split('\n')[0]) // The history is not serializable.

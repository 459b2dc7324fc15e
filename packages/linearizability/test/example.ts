import { checkLinearizability, HistoryRecorder, keyValueModel } from '@dsys/linearizability'

const recorder = new HistoryRecorder()
const put = recorder.invoke('alice', 'cart', { op: 'put', value: 'apples' })
put.ok({ revision: 1 })
const lost = recorder.invoke('alice', 'cart', { op: 'put', value: 'pears' })
lost.unknown() // a timeout: it may have happened, or happen later, or never
const get = recorder.invoke('bob', 'cart', { op: 'get' })
get.ok({ value: 'pears', revision: 2 })
console.log(checkLinearizability(keyValueModel(), recorder.history()).verdict) // linearizable

const stale = recorder.invoke('carol', 'cart', { op: 'get' })
stale.ok({ value: 'apples', revision: 1 })
const { verdict, failure } = checkLinearizability(keyValueModel(), recorder.history())
console.log(verdict, failure?.operation.client, failure?.prefixEvents) // not-linearizable carol 8

import type { AnyModel } from '../model.ts'
import { keyValueModel } from './key-value.ts'
import { keyValueMapModel } from './key-value-map.ts'
import { listAppendModel } from './list-append.ts'
import { lockModel } from './lock.ts'
import { queueModel } from './queue.ts'
import { casRegisterModel, registerModel } from './register.ts'
import { setModel } from './set.ts'

const ALL: readonly AnyModel[] = [
  registerModel() as AnyModel,
  casRegisterModel() as AnyModel,
  keyValueModel() as AnyModel,
  keyValueMapModel() as AnyModel,
  listAppendModel() as AnyModel,
  setModel() as AnyModel,
  queueModel() as AnyModel,
  lockModel() as AnyModel,
  lockModel({ expires: true }) as AnyModel,
]

/** The names of the models that {@link modelByName} knows. */
export const MODEL_NAMES: readonly string[] = Object.freeze(ALL.map(({ name }) => name))

/** The model of that name with its defaults, or `undefined`. */
export function modelByName(name: string): AnyModel | undefined {
  return ALL.find((model) => model.name === name)
}

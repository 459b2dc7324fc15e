import type { StateChange, StateStorage } from '../state-storage.ts'
import type { Case } from './runner.ts'

/**
 * What a state storage can be put through, and what it promises. Cases that need more than the adapter declares are skipped by
 * name.
 *
 * - `reopen`: what was written is there again after a stop.
 * - `durable`: what was acknowledged survives a crash and a failed write.
 * - `crash`: the place can lose power.
 * - `crash-points`: it can lose power in the middle of any one operation.
 * - `failure`: writes can be made to fail.
 */
export type StateStorageFeature = 'reopen' | 'durable' | 'crash' | 'crash-points' | 'failure'

/** Where one case keeps its state. Empty at first. */
export interface StateStoragePlace extends AsyncDisposable {
  /**
   * A storage over what is kept here, not started yet. Called again only after the one before was stopped, or after `crash`. Ends what
   * `failWrites` began.
   */
  open(): Promise<StateStorage> | StateStorage
  /** Loses power, unless it is lost already, and brings it back: the storage that was open is dead. For `crash`. */
  crash?(): Promise<void> | void
  /**
   * Power is lost in the middle of the operation that comes after `operations` further ones, and stays lost until `crash`. Resolves
   * when it is lost. For `crash-points`.
   */
  crashAfter?(operations: number): Promise<void>
  /** Makes every later write and sync of the open storage fail. For `failure`. */
  failWrites?(): Promise<void> | void
}

/** How the suite makes places. */
export interface StateStorageFactory {
  readonly create: () => Promise<StateStoragePlace>
  /** What the adapter can be put through. Cases that need more are skipped. */
  readonly supports?: readonly StateStorageFeature[]
}

/** One case of the suite for state storages. */
export type StateCase = Case<StateStoragePlace, StateStorageFeature>

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const put = (key: Uint8Array, value: Uint8Array): StateChange => ({ type: 'put', key, value })
export const del = (key: Uint8Array): StateChange => ({ type: 'delete', key })

export async function startedState(place: StateStoragePlace): Promise<StateStorage> {
  const storage = await place.open()
  await storage.start()
  return storage
}

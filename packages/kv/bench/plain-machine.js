import { ByteReader, ByteWriter } from '@dsys/runtime/bytes'

/** @typedef {{ value: Uint8Array, revision: number, createRevision: number }} Entry */
/** @typedef {{ revision: number, entries: Map<string, Entry> }} Plain */

/** @param {Plain} state */
function encode({ revision, entries }) {
  let bytes = 12
  for (const [key, { value }] of entries) bytes += 22 + key.length + value.length
  const writer = new ByteWriter(bytes).u53(revision).u32(entries.size)
  for (const [key, { value, revision, createRevision }] of entries) {
    writer.u16(key.length).latin1(key).u53(createRevision).u53(revision).u32(value.length).raw(value)
  }
  return writer.written()
}

/** @param {Uint8Array} bytes @returns {Plain} */
function decode(bytes) {
  const reader = new ByteReader(bytes)
  const state = { revision: reader.u53(), entries: new Map() }
  for (let left = reader.u32(); left > 0; left--) {
    const key = reader.latin1(reader.u16())
    const createRevision = reader.u53()
    const revision = reader.u53()
    state.entries.set(key, { value: new Uint8Array(reader.raw(reader.u32())), revision, createRevision })
  }
  return state
}

/** What kv's state machine is measured against: one Map, of which a snapshot is taken in one piece, while nothing else goes on. */
export const plain = {
  /** @returns {Plain} */
  initial: () => ({ revision: 0, entries: new Map() }),
  /** @param {Plain} state @param {string} key @param {Uint8Array} bytes */
  put: (state, key, bytes) => {
    const previous = state.entries.get(key)
    const revision = ++state.revision
    const createRevision = previous?.createRevision ?? revision
    state.entries.set(key, { value: new Uint8Array(bytes), revision, createRevision })
  },
  /** @param {Plain} state */
  entries: ({ entries }) => entries,
  snapshot: {
    /** @param {Plain} state */
    freeze: (state) => [state],
    /** @param {Iterable<Plain>} view */
    *encode(view) {
      for (const state of view) yield encode(state)
    },
    decoder: () => {
      let state = plain.initial()
      return {
        /** @param {Uint8Array} part */
        add: (part) => {
          state = decode(part)
        },
        finish: () => state,
      }
    },
  },
}

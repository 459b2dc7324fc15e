/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const STATE_STORAGE_MUTANTS = [
  {
    name: 'a batch that becomes durable late overwrites what came after it',
    source: 'storage: batches take effect in the order of the calls',
    file: 'packages/storage-memory/src/memory-state-disk.ts',
    from: 'changes.filter((change) => !this.#overtaken(batch, change))',
    to: 'changes',
  },
  {
    name: 'a batch that waits for nothing is seen before those that were called before it',
    source: 'storage: batches take effect in the order of the calls',
    file: 'packages/storage-memory/src/memory-state-storage.ts',
    from: 'if (!durable && this.#turns.length === 0) {',
    to: 'if (!durable) {',
  },
  {
    name: 'a write does not say for itself whether it is durable',
    source: 'storage: a keyspace states its own policy',
    file: 'packages/storage-memory/src/memory-state-storage.ts',
    from: "options.durable ?? disk.acknowledge === 'durable'",
    to: "disk.acknowledge === 'durable'",
  },
  {
    name: 'an iteration goes on after the stop of its storage',
    source: 'storage: the next step throws',
    file: 'packages/storage-memory/src/memory-state-storage.ts',
    from: 'return this.#pairs.entries(range, () => this.#lifecycle.assertRunning())',
    to: 'return this.#pairs.entries(range, () => undefined)',
  },
]

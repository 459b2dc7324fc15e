/**
 * Bugs in how snapshots are taken, sent and installed.
 *
 * @type {readonly import('./mutant.mjs').Mutant[]}
 */
export const RAFT_SNAPSHOTS_MUTANTS = [
  {
    name: 'the checksum of a chunk is not looked at',
    source: 'a damaged chunk is asked for again',
    file: 'packages/raft/src/snapshot-incoming.ts',
    from: `if (checksums !== undefined && crc32(data) !== checksums.chunk) return`,
    to: `if (checksums !== undefined && crc32(data) !== checksums.chunk && data.length < 0) return`,
  },
  {
    name: 'the checksum of a snapshot is not looked at where it is read',
    source: 'a snapshot that is not what it was is never taken over',
    file: 'packages/raft/src/snapshot-content.ts',
    from: `    if (stored !== this.#checksum) throw`,
    to: `    if (stored < 0) throw`,
  },
  {
    name: 'a snapshot is taken over that is not the one that was announced',
    source: 'a snapshot that is not what it was is never taken over',
    file: 'packages/raft/src/snapshot-incoming.ts',
    from: `    if (this.#wholeChecksum !== undefined && checksum !== this.#wholeChecksum)`,
    to: `    if (this.#wholeChecksum !== undefined && checksum < 0)`,
  },
  {
    name: 'a snapshot that cannot be read is durable before it is found out',
    source: 'a snapshot that is not what it was is never taken over',
    file: 'packages/raft/src/snapshot-incoming.ts',
    from: `    this.#toDecode.end()
    await this.#check(decoding)
    this.turns.check()`,
    to: `    this.#toDecode.end()
    this.turns.check()`,
  },
  {
    name: 'a transfer goes on behind a chunk that the follower lacks',
    source: 'P-37; a transfer goes on where it was',
    file: 'packages/raft/src/snapshot-transfer.ts',
    from: `    this.#sentUpTo = Math.max(this.#sentUpTo, nextOffset)
`,
    to: `    this.#sentUpTo = Math.max(this.#sentUpTo, nextOffset + 1)
`,
    scenario: 'kv',
  },
  {
    name: 'a new attempt does not go on where the follower stands',
    source: 'P-37; a transfer goes on where it was',
    file: 'packages/raft/src/snapshot-transfer.ts',
    from: `    this.#sentUpTo = Math.max(this.#sentUpTo, nextOffset)
`,
    to: '',
  },
  {
    name: 'a snapshot of another leader begins anew, though it is the same',
    source: 'P-37; a transfer goes on where it was',
    file: 'packages/raft/src/snapshot-incoming.ts',
    from: `    return this.#wholeChecksum !== undefined || (this.from === from && this.term === chunk.term)`,
    to: `    return this.from === from && this.term === chunk.term`,
  },
  {
    name: 'chunks of two snapshots at one index are put together',
    source: 'two leaders may have different bytes for the same state',
    file: 'packages/raft/src/snapshot-incoming.ts',
    from: `    if (chunk.checksums?.whole !== this.#wholeChecksum) return false
`,
    to: '',
  },
  {
    name: 'a leader sends all chunks at once',
    source: 'P-36; STYLE 15',
    file: 'packages/raft/src/snapshot-transfer.ts',
    from: `    return isFull ? undefined : this.#sentUpTo`,
    to: `    return isFull && this.#sentUpTo < 0 ? undefined : this.#sentUpTo`,
  },
  {
    name: 'a follower says that it has what its disk has not asked for',
    source: 'P-36: a slow disk holds the sender back',
    file: 'packages/raft/src/snapshot-incoming.ts',
    from: `    return this.#storedBytes
  }`,
    to: `    return this.#receivedBytes
  }`,
  },
  {
    name: 'what arrives is kept in memory without a limit',
    source: 'STYLE 15',
    file: 'packages/raft/src/snapshot-incoming.ts',
    from: `const MAX_KEPT_BYTES: number = 4 * WINDOW_BYTES`,
    to: `const MAX_KEPT_BYTES: number = 4_096 * WINDOW_BYTES`,
  },
  {
    name: 'a leader sends to everybody at once',
    source: 'STYLE 15',
    file: 'packages/raft/src/snapshot-transfer.ts',
    from: `if (known === undefined && !this.#places.take()) return false`,
    to: `if (known === undefined && !this.#places.take() && to === '') return false`,
  },
  {
    name: 'a snapshot is encoded in one turn',
    source: 'P-36',
    file: 'packages/raft/src/snapshot-content.ts',
    from: `        await this.#turns.spent(part.length)
      }`,
    to: `      }`,
  },
  {
    name: 'a snapshot is decoded in one turn',
    source: 'P-36',
    file: 'packages/raft/src/snapshot-content.ts',
    from: `      yield part
      await this.#turns.spent(part.length)`,
    to: `      yield part`,
  },
  {
    name: 'the work on the snapshots of all groups of a node goes on in the same turn',
    source: 'P-36',
    file: 'packages/raft/src/turns.ts',
    from: `      this.#waiting.shift()?.()
`,
    to: `      for (const next of this.#waiting.splice(0)) next()
`,
  },
  {
    name: 'the table of sessions is not frozen',
    source: 'P-36; dissertation §6.3',
    file: 'packages/raft/src/sessions.ts',
    from: `    if (session === undefined || session.epoch === this.#epoch) return session`,
    to: `    if (session === undefined || session.epoch >= 0) return session`,
  },
  {
    name: 'the table of clients is not frozen',
    source: 'P-36; dissertation §6.3',
    file: 'packages/raft/src/client-table.ts',
    from: `    if (client === undefined || client.epoch === this.#epoch) return client`,
    to: `    if (client === undefined || client.epoch >= 0) return client`,
  },
  {
    name: 'the entries of kv are not frozen',
    source: 'P-36',
    file: 'packages/kv/src/core/entry-table.ts',
    from: `    this.#views++
    return this.#chunks.slice()`,
    to: `    return this.#chunks.slice()`,
    scenario: 'kv',
  },
  {
    name: 'a node that stops waits for the snapshot that it is being sent',
    source: 'STYLE 10',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: `    this.#incoming?.abandon('the node ends')
`,
    to: '',
  },
  {
    name: 'a node campaigns while all of a snapshot is there and it is not installed',
    source: 'P-09',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: `    if (incoming.isWhole) core.installing(true)
`,
    to: '',
  },
  {
    name: 'snapshots of version 1 are not read any more',
    source: 'a format has a version',
    file: 'packages/raft/src/snapshot-content.ts',
    from: `const WHOLE_VERSION = 1`,
    to: `const WHOLE_VERSION = 0`,
  },
  {
    name: 'a snapshot is sent to a follower that is silent',
    source: 'P-35: places are for those that answer',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: 'const isSent = isKnown && isHeard && this',
    to: 'const isSent = isKnown && isHeard !== undefined && this',
  },
  {
    name: 'the place of a follower that falls silent is held for it',
    source: 'P-35: places are for those that answer',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: 'else if (!this.#isLive(progress)) this.#giveUp(to)',
    to: "else if (to === '') this.#giveUp(to)",
  },
  {
    name: 'no tail of the log stays behind a snapshot',
    source: 'dissertation §5.1.3: a follower that is a little behind gets entries',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: '&& index + 1 - from < keepEntries) {',
    to: '&& index + 1 - from < 0 * keepEntries) {',
  },
  {
    name: 'the tail behind a snapshot has no limit by size',
    source: 'a bound of this package: everything is bounded',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: 'if (bytes > snapshotEveryBytes / 2) break',
    to: 'if (bytes > 1_000 * snapshotEveryBytes) break',
  },
  {
    name: 'who installs a snapshot forgets what it acknowledged behind it',
    source: 'Raft §7; P-34',
    file: 'packages/raft/src/core/snapshots.ts',
    from: 'const keepSuffix = connected && outbox.handedOver(index)',
    to: 'const keepSuffix = connected && index < 0 && outbox.handedOver(index)',
  },
  {
    name: 'a stored log that conflicts with a snapshot is only compacted',
    source: 'Raft §7; P-34',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: "const changed = result === 'reset' ? log",
    to: 'const changed = meta.index < 0 ? log',
  },
  {
    name: 'the log is given up before the snapshot that takes its place is durable',
    source: 'P-34',
    file: 'packages/raft/src/snapshot-keeper.ts',
    from: '      await log.saveSnapshot(\n        meta,\n        incoming',
    to: '      log.saveSnapshot(\n        meta,\n        incoming',
  },
]

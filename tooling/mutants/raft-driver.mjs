/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const RAFT_DRIVER_MUTANTS = [
  {
    name: 'the driver says that a write is durable before it is',
    source: 'Raft §5.2; an ack before fsync; P-38',
    file: 'packages/raft/src/group-driver.ts',
    from: `    this.#writes.add(done)
`,
    to: `    this.#writes.add(done)
    this.core.durable(id, clock.monotonicMs())
`,
    scenario: 'kv',
  },
  {
    name: 'the driver forgets term and vote when it writes',
    source: 'Raft §5.2; P-01',
    file: 'packages/raft/src/group-driver.ts',
    from: 'log.persist(hardState === undefined ? { entries } : { hardState, entries })',
    to: 'log.persist(hardState === undefined || entries.length === 0 ? { entries } : { hardState, entries })',
    scenario: 'kv',
  },
  {
    name: 'a read is served before what it waits for is applied',
    source: 'dissertation §6.4',
    file: 'packages/raft/src/read-queue.ts',
    from: 'if (batch.index > lastApplied) {',
    to: 'if (batch.index > lastApplied + 1_000_000) {',
    scenario: 'kv',
  },
  {
    name: 'a linearizable read is served from what this node has',
    source: 'dissertation §6.4; P-22',
    file: 'packages/raft/src/read-queue.ts',
    from: `    return ticket
  }`,
    to: `    this.confirmed(ticket, 0)
    return ticket
  }`,
    scenario: 'kv',
  },
  {
    name: 'a node that was elected again answers no read any more',
    source: 'dissertation §6.4: a leader answers',
    file: 'packages/raft/src/core/reads.ts',
    from: '  const { leadership } = state\n  if (leadership === undefined) return false',
    to: '  const { leadership } = state\n  if (leadership === undefined || state.term > 2) return false',
    scenario: 'kv',
  },
  {
    name: 'a command that is proposed again is applied again',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/sessions.ts',
    from: '    keep(session, sequence, result)\n',
    to: '    if (id < 0) keep(session, sequence, result)\n',
    scenario: 'kv',
  },
  {
    name: 'a command of a forgotten session is applied',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/sessions.ts',
    from: "if (session === undefined) return { type: 'unknown-session' }",
    to: "if (session === undefined) return { type: 'new' }",
  },
  {
    name: 'the results of a session are not in the snapshot',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/sessions.ts',
    from: 'readResults<Recorded<Result>>(reader, codec)) keep(session, sequence, result)',
    to: 'readResults<Recorded<Result>>(reader, codec)) if (id < 0) keep(session, sequence, result)',
    scenario: 'kv',
  },
  {
    name: 'a proposal that was handed over and lost is reported as not applied',
    source: 'the three outcomes: applied, not applied, unknown; P-47',
    file: 'packages/raft/src/proposals.ts',
    from: 'proposal.attempts === 0\n          ? new NoLeaderError',
    to: 'proposal.attempts >= 0\n          ? new NoLeaderError',
    scenario: 'kv',
  },
  {
    name: 'a lost proposal is never handed over again',
    source: 'dissertation §6.3: clients retry',
    file: 'packages/raft/src/proposals.ts',
    from: 'if (nowMs >= proposal.resendMs) this.#unsent.push(proposal)',
    to: 'if (nowMs < 0) this.#unsent.push(proposal)',
    scenario: 'kv',
    // Only a proposal that is lost on its way shows it.
    fixed: {
      link: {
        delayMs: 1,
        tailRate: 0,
        tailMaxMs: 3000,
        lossRate: 0.2,
        duplicateRate: 0,
        reorderRate: 0,
        order: 'free',
      },
    },
  },
  {
    name: 'the state of a snapshot is taken over without its sessions',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/applier.ts',
    from: 'this.#sessions = snapshot.sessions',
    to: 'if (index < 0) this.#sessions = snapshot.sessions',
    scenario: 'kv',
  },
  {
    name: 'a batch that is cut is taken from a follower, and stops every node',
    source: 'what a node passes on is checked before it is an entry',
    file: 'packages/raft/src/applier.ts',
    from: 'return kind === COMMAND_KIND || isBatchData',
    to: 'return kind >= COMMAND_KIND || isBatchData',
  },
  {
    name: 'a batch is applied as one command',
    source: 'each command of a batch has a result of its own',
    file: 'packages/raft/src/applier.ts',
    from: 'decodeBatch(encoded, 0).map(',
    to: 'decodeBatch(encoded, 0).slice(0, 1).map(',
  },
  {
    name: 'the results of a batch are lost in a snapshot',
    source: 'dissertation §6.3',
    file: 'packages/raft/src/recorded.ts',
    from: 'decodeBatch(bytes, 0).map(',
    to: 'decodeBatch(bytes, 0).slice(1).map(',
  },
  {
    name: 'a follower is sent the frames of another that is at another place',
    source: 'followers at the same place get the same message, and no others do',
    file: 'packages/raft/src/outgoing.ts',
    from: 'some.every((message, i) => message === others[i])',
    to: 'some.every((message, i) => message.type === others[i]?.type)',
    scenario: 'kv',
  },
  {
    name: 'a lone voter goes on without the entries that it has lost',
    source: 'P-40: nobody is there to give them',
    file: 'packages/raft/src/damaged-log.ts',
    from: 'if (voters.length === 1 && outgoing.length === 0) {',
    to: 'if (voters.length < 1 && outgoing.length === 0) {',
  },
]

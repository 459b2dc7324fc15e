import type { Message } from '@dsys/raft/core'

/** Under which name each message is counted. */
export const MESSAGE_COUNTS: Readonly<Record<Message['type'], string>> = {
  'vote-request': 'message.vote-request',
  'vote-response': 'message.vote-response',
  'append-request': 'message.append-request',
  'append-accepted': 'message.append-accepted',
  'append-rejected': 'message.append-rejected',
  'heartbeat-request': 'message.heartbeat-request',
  'heartbeat-response': 'message.heartbeat-response',
  'commit-notice': 'message.commit-notice',
  'snapshot-chunk': 'message.snapshot-chunk',
  'snapshot-progress': 'message.snapshot-progress',
  'timeout-now': 'message.timeout-now',
  'sleep-request': 'message.sleep-request',
  'sleep-response': 'message.sleep-response',
  'log-end-request': 'message.log-end-request',
  'log-end-response': 'message.log-end-response',
}

/** Groups sleep where they share a host with others, and a log that has lost entries is opened by a driver: neither is part of this scenario. */
const NOT_HERE: ReadonlySet<string> = new Set([
  'message.sleep-request',
  'message.sleep-response',
  'message.log-end-request',
  'message.log-end-response',
])

/** All of these names that must be counted somewhere. */
export const COUNTED_MESSAGES: readonly string[] = Object.values(MESSAGE_COUNTS).filter((name) => !NOT_HERE.has(name))

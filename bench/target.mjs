/**
 * What the bench asks of a system that it measures. There is one for dsys and one for its peer, so that all else is the
 * same code for both.
 *
 * @typedef {object} Target
 * @property {string} name
 * @property {string} durability what happens on the disk before a write is answered
 * @property {string} version
 * @property {(directory: string, options?: StartOptions) => Promise<Cluster>} start a new cluster with its data below this
 *   folder; resolves when it serves
 *
 * @typedef {object} StartOptions
 * @property {readonly string[]} [nodeFlags] further flags for Node.js, for instance for a profile
 *
 * @typedef {object} ClusterNode
 * @property {string} id
 * @property {string} url
 * @property {number} pid
 *
 * @typedef {object} HttpRequest
 * @property {'GET' | 'PUT' | 'POST'} method
 * @property {string} path
 * @property {Readonly<Record<string, string>>} headers
 * @property {Buffer} body
 *
 * @typedef {object} Cluster
 * @property {readonly ClusterNode[]} nodes
 * @property {readonly { name: string, pid: number }[]} others what runs beside the nodes, for instance a message server
 * @property {(key: string, value: Buffer) => HttpRequest} put
 * @property {(key: string) => HttpRequest} get a linearizable read
 * @property {(body: Buffer) => Buffer | undefined} valueOf the value in the answer to a read
 * @property {() => Promise<number | undefined>} leader index of the node that leads, as the nodes that run see it
 * @property {(index: number) => Promise<void>} kill ends a node as a crash would
 * @property {(index: number) => Promise<void>} restart starts it again on its own disk; resolves when all nodes serve
 * @property {() => Promise<void>} stop
 */

export const NODES = 3
export const HEARTBEAT_MS = 100
/** What each entry carries in the benches of Raft itself. */
export const ENTRY_BYTES = 256
export const ELECTION_TIMEOUT_MS = 1_000

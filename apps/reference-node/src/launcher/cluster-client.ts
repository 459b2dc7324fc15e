import { delay, systemClock } from '@dsys/runtime'

/** What `GET /v1/cluster` says, as far as the launcher and the tour show it. */
export interface ClusterView {
  readonly id: string
  readonly ready: boolean
  readonly reason?: string
  readonly leader: string | null
  readonly uptimeMs: number
  readonly raft: {
    readonly role: string
    readonly term: number
    readonly commitIndex: number
    readonly lastApplied: number
  }
  readonly members: readonly { readonly id: string; readonly state: string }[]
}

const POLL_MS = 25
const ASK_TIMEOUT_MS = 2_000

/** The view of one node, or `undefined` when it does not answer. */
export async function askCluster(url: string): Promise<ClusterView | undefined> {
  try {
    const response = await fetch(`${url}/v1/cluster`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) })
    return response.ok ? ((await response.json()) as ClusterView) : undefined
  } catch {
    // Not there (yet, or any more): the caller asks again.
    return undefined
  }
}

/** The views of all nodes once each is ready, sees all members alive, and names the same leader and term. */
export async function whenFormed(
  urls: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<readonly ClusterView[]> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    const views = await Promise.all(urls.map(askCluster))
    if (isFormed(views)) return views
    if (systemClock.monotonicMs() > deadlineMs)
      throw new Error(`the cluster did not form within ${timeoutMs} ms: ${why(urls, views)}`)
    await delay(systemClock, POLL_MS, signal)
  }
}

function isFormed(views: readonly (ClusterView | undefined)[]): views is readonly ClusterView[] {
  const [first] = views
  return views.every(
    (view) =>
      view?.ready === true &&
      view.leader === first?.leader &&
      view.raft.term === first?.raft.term &&
      view.members.filter((member) => member.state === 'alive').length >= views.length,
  )
}

function why(urls: readonly string[], views: readonly (ClusterView | undefined)[]): string {
  return views
    .map((view, i) => {
      if (view === undefined) return `${urls[i]} does not answer`
      return `${view.id}: ${view.reason ?? 'ready'}, leader ${view.leader ?? 'unknown'}, term ${view.raft.term}, ${view.members.length} members`
    })
    .join('; ')
}

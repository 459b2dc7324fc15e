import type { Clock, TimerHandle } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import type { Sleep } from '../core/sleep.ts'
import type { GroupMember } from './group-host.ts'
import { type AsleepList, type HostMessage, partsOf } from './host-wire.ts'
import { type SleepDigest, type SleepingGroup, SleepSet, sameDigest } from './sleep-set.ts'

/** So many beats in a row must differ before lists are sent: one may have crossed a group that just fell asleep, or woke. */
const DIFFERENT_BEATS = 2
/** While beats go on to differ, lists are sent at every so manieth. */
const LIST_EVERY_BEATS = 5

/** A peer that groups of this host count on while they sleep. */
interface Peer {
  readonly id: string
  /** The life of it that was heard; `undefined` before its first beat. */
  generation: number | undefined
  heardMs: number
  /** The groups that this host leads asleep, and the peer has a part in. */
  readonly led: SleepSet
  /** Those of them that fell asleep without the peer, since it was silent for long: they wake when it is heard. */
  readonly absent: Set<string>
  /** The groups that the peer leads, and this host sleeps in. */
  readonly followed: SleepSet
  /** The peer's beats that differed from `followed`, in a row. */
  differing: number
}

/** One group of this host. */
interface Watched {
  member: GroupMember | undefined
  sleep: Sleep | undefined
}

/** What a {@link Sleepers} works with. */
export interface SleepersParts {
  readonly clock: Clock
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxFrameBytes: number
  /** Sends with what else goes to this peer in this turn. */
  readonly send: (to: string, message: HostMessage) => void
}

/**
 * Watches over the groups that sleep, on behalf of all of them: one beat for each peer and heartbeat interval, whatever their number. A group
 * sleeps here only as long as the peers that it counts on are heard, in the same life, and have the same in mind: any doubt wakes it,
 * and an awake group looks after itself.
 */
export class Sleepers {
  readonly #parts: SleepersParts
  readonly #groups = new Map<string, Watched>()
  readonly #peers = new Map<string, Peer>()
  #asleep = 0
  #timer: TimerHandle | undefined
  #graceGiven = false
  #ended = false

  constructor(parts: SleepersParts) {
    this.#parts = parts
  }

  /** Groups that sleep on this host. */
  get asleep(): number {
    return this.#asleep
  }

  /** The peers that sleeping groups count on. */
  get peers(): number {
    return this.#peers.size
  }

  attach(group: string, member: GroupMember): void {
    this.#groups.set(group, { member, sleep: undefined })
  }

  detach(group: string): void {
    this.sleeps(group, undefined)
    this.#groups.delete(group)
  }

  /** How `group` sleeps from now on; `undefined` when it is awake. */
  sleeps(group: string, sleep: Sleep | undefined): void {
    const watched = this.#groups.get(group)
    // A turn that has changed nothing of it says nothing of its peers either.
    if (watched === undefined || isSame(watched.sleep, sleep)) return
    if (watched.sleep !== undefined) this.#forget(group, watched.sleep)
    watched.sleep = sleep
    if (sleep === undefined) return
    this.#asleep++
    const { role, term, peers, absent } = sleep
    for (const id of peers) {
      const peer = this.#peer(id)
      // It counts as heard now: it has just asked a group to sleep, or agreed to.
      if (peer.led.size + peer.followed.size === peer.absent.size) peer.heardMs = this.#parts.clock.monotonicMs()
      const set = role === 'leader' ? peer.led : peer.followed
      set.add({ group, term })
    }
    for (const id of absent) {
      const peer = this.#peer(id)
      peer.led.add({ group, term })
      peer.absent.add(group)
    }
    if (this.#timer === undefined) this.#arm()
  }

  #forget(group: string, { peers, absent }: Sleep): void {
    this.#asleep--
    for (const id of [...peers, ...absent]) {
      const peer = this.#peers.get(id)
      if (peer === undefined) continue
      peer.absent.delete(group)
      peer.led.delete(group)
      peer.followed.delete(group)
      if (peer.led.size + peer.followed.size === 0) this.#peers.delete(id)
    }
  }

  #peer(id: string): Peer {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const peer: Peer = {
      id,
      generation: undefined,
      heardMs: this.#parts.clock.monotonicMs(),
      led: new SleepSet(),
      absent: new Set(),
      followed: new SleepSet(),
      differing: 0,
    }
    this.#peers.set(id, peer)
    return peer
  }

  end(): void {
    this.#ended = true
    this.#timer?.cancel()
  }

  /** Beats are due at whole multiples of the interval, as heartbeats are, so that they share their frames. */
  #arm(): void {
    const { clock, heartbeatIntervalMs } = this.#parts
    this.#timer = undefined
    if (this.#ended || this.#peers.size === 0) return
    const nowMs = clock.monotonicMs()
    const dueMs = (Math.floor(nowMs / heartbeatIntervalMs) + 1) * heartbeatIntervalMs
    this.#timer = clock.setTimer(dueMs - nowMs, () => {
      // Frames that have arrived speak before the clock judges their senders.
      this.#timer = clock.afterIo(() => this.#tick(dueMs))
    })
  }

  #tick(dueMs: number): void {
    const { clock, heartbeatIntervalMs, electionTimeoutMs, send } = this.#parts
    const nowMs = clock.monotonicMs()
    // A process that was blocked or paused reads first what came meanwhile, and judges at the next beat, however late that is.
    const judges = nowMs - dueMs <= heartbeatIntervalMs || this.#graceGiven
    this.#graceGiven = !judges
    for (const peer of [...this.#peers.values()]) {
      if (judges && nowMs - peer.heardMs > electionTimeoutMs) this.#wakeCounting(peer)
      // One that is absent is still beaten to: when it is back it answers.
      if (this.#peers.has(peer.id)) send(peer.id, { type: 'beat', ...peer.led.digest })
    }
    this.#arm()
  }

  /** The groups that count on this peer keep time again, as those that they are: cut off from it since it was heard. */
  #wakeCounting({ led, followed, absent }: Peer): void {
    // None of them: a peer may be away for days, and this is asked at every beat.
    if (led.size + followed.size === absent.size) return
    for (const { group } of [...led.groups, ...followed.groups]) if (!absent.has(group)) this.#wake(group)
  }

  /** The groups that fell asleep without this peer keep time again: it may lack what they have. */
  #wakeAbsent({ absent }: Peer): void {
    for (const group of [...absent]) this.#wake(group)
  }

  #wake(group: string): void {
    const watched = this.#groups.get(group)
    const nowMs = this.#parts.clock.monotonicMs()
    watched?.member?.wake((id) => this.#peers.get(id)?.heardMs ?? nowMs)
    this.sleeps(group, undefined)
  }

  /** The host of a peer says something of itself. */
  receive(from: PeerAddress, message: Exclude<HostMessage, { type: 'group-frame' }>): void {
    const peer = this.#peers.get(from.id)
    if (peer !== undefined) this.#wakeAbsent(peer)
    switch (message.type) {
      case 'beat':
        this.#beat(from, message)
        break
      case 'awake':
        for (const each of message.groups) if (this.#countsOn(from.id, each)) this.#wake(each.group)
        break
      default:
        this.#compare(from.id, message)
    }
  }

  #beat(from: PeerAddress, digest: SleepDigest): void {
    const peer = this.#peers.get(from.id)
    if (peer === undefined) {
      // It leads groups asleep in which this host does not sleep: it learns so, and at once, as it may have slept without this host.
      if (digest.count > 0) this.#list(from.id, 'asleep-following', [], true)
      return
    }
    if (from.generation < (peer.generation ?? 0)) return
    if (peer.generation !== undefined && from.generation > peer.generation) {
      // A later life of it leads nothing, and sleeps nowhere.
      this.#wakeCounting(peer)
      return
    }
    peer.generation = from.generation
    peer.heardMs = this.#parts.clock.monotonicMs()
    peer.differing = sameDigest(digest, peer.followed.digest) ? 0 : peer.differing + 1
    if (peer.differing % LIST_EVERY_BEATS === DIFFERENT_BEATS) {
      this.#list(peer.id, 'asleep-following', peer.followed.groups, true)
    }
  }

  /** Each item of a list is judged alone, so a part that is lost, or late, costs time and no more. */
  #compare(from: string, { type, wantsYours, groups }: AsleepList): void {
    const holds = (each: SleepingGroup): boolean =>
      type === 'asleep-leading'
        ? this.#peers.get(from)?.followed.has(each) === true
        : this.#groups.get(each.group)?.member?.leads(each.term) === true
    const wrong = groups.filter((each) => !holds(each))
    const { maxFrameBytes, send } = this.#parts
    if (wrong.length > 0) {
      for (const part of partsOf(wrong, maxFrameBytes)) send(from, { type: 'awake', groups: part })
    }
    if (wantsYours) this.#list(from, 'asleep-leading', this.#peers.get(from)?.led.groups ?? [], false)
  }

  #list(to: string, type: AsleepList['type'], groups: readonly SleepingGroup[], wantsYours: boolean): void {
    const { maxFrameBytes, send } = this.#parts
    partsOf(groups, maxFrameBytes).forEach((part, i) => {
      if (part.length > 0 || wantsYours) send(to, { type, wantsYours: wantsYours && i === 0, groups: part })
    })
  }

  #countsOn(peer: string, { group, term }: SleepingGroup): boolean {
    const sleep = this.#groups.get(group)?.sleep
    return sleep?.term === term && (sleep.peers.includes(peer) || sleep.absent.includes(peer))
  }
}

function isSame(one: Sleep | undefined, other: Sleep | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  const { role, term, peers, absent } = other
  const members = one.peers.join() === peers.join() && one.absent.join() === absent.join()
  return one.role === role && one.term === term && members
}

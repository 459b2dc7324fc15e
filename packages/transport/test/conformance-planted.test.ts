import { type Clock, delay, systemClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { transportConformance } from '../src/conformance.ts'
import { ALL, fixtureOf, type LoopbackClass } from './fixture.ts'
import { FullLoopback } from './full-loopback.ts'
import {
  BlamesThePeer,
  BroadcastsToItself,
  CannotBeAborted,
  DeafToItsEnd,
  EndsInSilence,
  ForgetsOtherObservers,
  GivesNoReason,
  HandsOverInsideHandlers,
  KeepsForLater,
  KeepsHandlersInAnObject,
  KeepsNodesInAnObject,
  KnowsTenPeers,
  LosesBehindASlowHandler,
  MovesItsLimit,
  RefusesAndSends,
  RemembersTheFirstHandler,
  RemembersTheFirstLife,
  RepeatsAfterAnOutage,
  ReportsAfterItsEnd,
  ReportsTwice,
  ReusesABuffer,
  SendsTheWholeBuffer,
  StaysAway,
  StaysFull,
  Swaps,
  TakesFramesWhileAway,
  TakesNoHandlerForNobody,
  TakesTheLaterLifeAlong,
  TearsTheWireDown,
  Unbounded,
  WaitsForRoomToStop,
} from './planted-adapters.ts'

/** How much faster than the real one the clock runs by which the suite gives up waiting. */
const HASTE = 100

const hastyClock: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * HASTE,
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs / HASTE, callback),
}

/** The cases of the suite by name, over transports of `kind`. */
function casesOver(kind: LoopbackClass): Map<string, () => Promise<void>> {
  const cases = new Map<string, () => Promise<void>>()
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    test: (name: string, body: () => Promise<void>) => void cases.set(name, body),
  }
  transportConformance(runner, () => fixtureOf(kind, hastyClock), ALL)
  return cases
}

/** How one case ends: a bug may also let it wait for ever. */
function outcomeOf(name: string, kind: LoopbackClass): Promise<string> {
  const body = casesOver(kind).get(name)
  if (body === undefined) throw new Error(`the suite has no case "${name}"`)
  const run = body().then(
    () => 'passed',
    () => 'found',
  )
  return Promise.race([run, delay(systemClock, 600).then(() => 'found')])
}

/** Adapters with one bug each, and the cases that must find it. */
interface Planted {
  readonly bug: string
  readonly found: readonly string[]
  readonly kind: LoopbackClass
}

const PLANTED: readonly Planted[] = [
  {
    bug: 'lets frames overtake others',
    found: [
      'frames arrive in order, whatever their sizes, channels and kinds of address',
      'the frames of each of many senders arrive in their order',
      'broadcasts and frames to a node keep their order',
    ],
    kind: Swaps,
  },
  {
    bug: 'sends the buffer behind a view',
    found: ['a frame may be a view into a larger buffer, or a Buffer: only its own bytes arrive'],
    kind: SendsTheWholeBuffer,
  },
  {
    bug: 'reuses its receive buffer',
    found: [
      'several frames of the largest size arrive whole, whoever they are for',
      'a receiver that is slow with each frame gets all of them, whole and once',
    ],
    kind: ReusesABuffer,
  },
  { bug: 'moves its limit', found: ['the limit stays what it was once the transport runs'], kind: MovesItsLimit },
  {
    bug: 'broadcasts to itself',
    found: [
      'a broadcast where nobody else is harms nothing',
      'a broadcast reaches every other node once, and not oneself',
    ],
    kind: BroadcastsToItself,
  },
  {
    bug: 'remembers the first life of a sender',
    found: ['each of many lives of a node gets what is for it, and speaks in its own name'],
    kind: RemembersTheFirstLife,
  },
  {
    bug: 'takes the later life along when an earlier one stops',
    found: ['while an earlier life still runs, what names the later one reaches that alone'],
    kind: TakesTheLaterLifeAlong,
  },
  {
    bug: 'keeps handlers in a plain object',
    found: ['channels are apart, however many there are'],
    kind: KeepsHandlersInAnObject,
  },
  {
    bug: 'keeps nodes in a plain object',
    found: ['a node id may hold any characters, and each reaches only its node'],
    kind: KeepsNodesInAnObject,
  },
  {
    bug: 'takes a channel without a handler for an absent peer',
    found: ['a frame that met its node, and a broadcast, are not reported'],
    kind: TakesNoHandlerForNobody,
  },
  {
    bug: 'reports each absence twice',
    found: ['a frame is reported once at most, and no report comes after the stop'],
    kind: ReportsTwice,
  },
  {
    bug: 'says that it closed, and then more',
    found: ['a frame is reported once at most, and no report comes after the stop'],
    kind: ReportsAfterItsEnd,
  },
  {
    bug: 'has no bound for its queue',
    found: [
      'send says false when the queue is full; what it refused never arrives',
      'broadcast says false when the queue is full; what it refused never arrives',
      'small frames are bounded too',
    ],
    kind: Unbounded,
  },
  {
    bug: 'refuses a frame and sends it',
    found: [
      'send says false when the queue is full; what it refused never arrives',
      'broadcast says false when the queue is full; what it refused never arrives',
    ],
    kind: RefusesAndSends,
  },
  {
    bug: 'stays full once it was',
    found: ['a queue that was full takes frames again, and they arrive'],
    kind: StaysFull,
  },
  { bug: 'never stops once it was full', found: ['stop ends also with a full queue'], kind: WaitsForRoomToStop },
  { bug: 'knows ten peers at most', found: ['each of many nodes reaches each other'], kind: KnowsTenPeers },
  {
    bug: 'loses frames behind a slow handler',
    found: ['a receiver that is slow with each frame gets all of them, whole and once'],
    kind: LosesBehindASlowHandler,
  },
  {
    bug: 'hands frames over inside handlers',
    found: ['handlers are called one at a time, also where they send'],
    kind: HandsOverInsideHandlers,
  },
  {
    bug: 'remembers the first handler of a channel',
    found: ['a handler may end itself and begin another, in the middle of a burst'],
    kind: RemembersTheFirstHandler,
  },
  {
    bug: 'goes on handing over after its end',
    found: [
      'a handler may stop its transport, and gets nothing once that is done',
      'nothing is handed over after stop has resolved',
    ],
    kind: DeafToItsEnd,
  },
  {
    bug: 'keeps for later what it refused',
    found: ['during an outage send says false, and what it refused never arrives'],
    kind: KeepsForLater,
  },
  {
    bug: 'says true while it is away',
    found: ['during an outage send says false, and what it refused never arrives'],
    kind: TakesFramesWhileAway,
  },
  {
    bug: 'repeats frames after an outage',
    found: ['no frame arrives twice because of an outage'],
    kind: RepeatsAfterAnOutage,
  },
  {
    bug: 'gives up after some outages',
    found: ['after an outage the nodes reach each other again by themselves'],
    kind: StaysAway,
  },
  { bug: 'blames the peer for its own outage', found: ['an outage is no evidence about a peer'], kind: BlamesThePeer },
  { bug: 'gives no reason', found: ['a disconnected event says why'], kind: GivesNoReason },
  {
    bug: 'ends an outage without a word',
    found: ['stop and disposal work during an outage'],
    kind: EndsInSilence,
  },
  {
    bug: 'cannot be aborted while it starts',
    found: [
      'a start that is aborted under way rejects with the reason, and leaves nothing behind',
      'a start during an outage can be aborted, and joined by disposal',
    ],
    kind: CannotBeAborted,
  },
  {
    bug: 'forgets the other observers',
    found: ['an observer hears each event once, also beside others, until it ends'],
    kind: ForgetsOtherObservers,
  },
  { bug: 'tears down the network of others', found: ['a network outlives each of its nodes'], kind: TearsTheWireDown },
]

describe('the suite finds an adapter that', () => {
  for (const { bug, found, kind } of PLANTED) {
    test(bug, async () => {
      for (const name of found) expect([name, await outcomeOf(name, kind)]).toEqual([name, 'found'])
    })
  }
})

test('each case that the bugs are for passes without them', async () => {
  for (const name of new Set(PLANTED.flatMap(({ found }) => found))) {
    expect([name, await outcomeOf(name, FullLoopback)]).toEqual([name, 'passed'])
  }
})

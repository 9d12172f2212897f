/** Takes requests in short turns, in the order they came, and refuses what cannot be answered soon. */

import { createQueue } from './request-queue.ts'

/** What the decision leans on; handed in, so that tests turn the event loop by hand. */
export interface SheddingParts<T> {
  /** Milliseconds of a clock that is never set back, such as `performance.now()`. */
  readonly now: () => number
  /** Runs once all that is ready now has been read, such as `setImmediate`. */
  readonly later: (run: () => void) => void
  /** Requests that may wait for their answers at the same time. */
  readonly mostInFlight: number
  /** Begins to answer; at once, or a few milliseconds after the request was read. */
  readonly serve: (request: T) => void
  /** Says that it is not answered now. */
  readonly refuse: (request: T) => void
}

/** For metrics. */
export interface Load {
  /** Requests refused since the start. */
  readonly refused: number
  /** Requests read and not answered yet. */
  readonly inFlight: number
  /** Of these, those whose turn has not come. */
  readonly queued: number
  /** How long the request waited, once it was read, that was served last, in milliseconds. */
  readonly delayMs: number
}

/** The one who lets requests in. */
export interface Shedding<T> {
  /** To be called with each request, before anything of it is done. */
  admit(request: T): void
  /**
   * Counts a request that is being served as waiting for its answer. What it returns is called when the
   * answer is written, its connection is gone, or it became a stream that stands open; a second
   * call does nothing.
   */
  begin(): () => void
  load(): Load
}

/** A round of the queue up to this long is no overload, in milliseconds of work. */
const LONG_MS = 200
/** A round that has at least this much of the one before is not catching up. */
const CATCHES_UP_BELOW = 0.9
/** Whoever waited longer is refused in any case: a crowd that came all at once. */
const LONGEST_MS = 240
/**
 * How long the queue is kept under overload. For a while after a refusal a longer one is an overload at
 * once.
 */
const SHORT_MS = 50
const WARY_MS = 1000
/** One step counts as this at most: a pause (garbage is collected) or one large answer is no queue. */
const LONGEST_STEP_MS = 10
/**
 * How long a turn serves: as long as the answers of earlier requests took in the one before, within
 * these bounds. Node takes one new connection a turn: long turns would keep everybody else out.
 */
const SLICE_MS = { least: 4, most: 5 } as const
const MOST_A_TURN = 64
/** How much the newest turn counts in what a request costs. */
const NEWEST_COUNTS = 0.1

/**
 * What is read beyond a turn's slice waits in a queue for the next. While requests come faster than
 * they can be answered, each time round the queue is longer than before; after a pause it is shorter
 * each time, by as much as there is room. So only a long queue that does not shrink is an overload:
 * then it is kept short, and the rest is refused as soon as it is read, until the queue is empty once.
 * While nothing comes, nothing runs.
 *
 * After CoDel, which judges a queue by how long it stands, not by how long it gets.
 * https://www.rfc-editor.org/rfc/rfc8289
 */
export function createShedding<T>(parts: SheddingParts<T>): Shedding<T> {
  const { now, later, mostInFlight, serve, refuse } = parts
  const queue = createQueue<T>()
  let isAwake = false
  let lastStep = 0
  /** Milliseconds of work so far: time without pauses, by which waiting is measured. */
  let work = 0
  let turn = newTurn(0, SLICE_MS.least)
  let costMs = SLICE_MS.least
  /** Once round the queue: it ends when what is last in it now has been taken. */
  let round = { start: 0, last: 0, before: 0, wasStanding: false }
  let isOverloaded = false
  let refusedAt = -Infinity
  let underWay = 0
  let refused = 0
  let delayMs = 0

  function step(): void {
    const at = now()
    work += Math.min(at - lastStep, LONGEST_STEP_MS)
    lastStep = at
  }

  function turnAway(request: T): void {
    refused += 1
    refusedAt = lastStep
    refuse(request)
  }

  function run(request: T, since: number): void {
    turn.firstServed ??= work
    turn.served += 1
    delayMs = work - since
    serve(request)
    step()
    turn.servedUntil = work
  }

  function hasTime(): boolean {
    return turn.firstServed === null || work - turn.firstServed < turn.sliceMs
  }

  function isStanding(roundMs: number): boolean {
    return roundMs > LONG_MS && roundMs >= round.before * CATCHES_UP_BELOW
  }

  function judge(): void {
    const oldest = queue.oldest()
    if (oldest === null) {
      isOverloaded = false
      round = { start: work, last: queue.taken(), before: 0, wasStanding: false }
      return
    }
    const roundMs = work - round.start
    isOverloaded ||=
      (lastStep - refusedAt < WARY_MS && work - oldest.since > SHORT_MS) ||
      // The round that makes it an overload need not be waited out.
      (round.wasStanding && isStanding(roundMs))
    if (isOverloaded) shorten()
    if (queue.taken() < round.last) return
    const last = queue.taken() + queue.length()
    round = { start: work, last, before: roundMs, wasStanding: isStanding(roundMs) }
  }

  /** Whoever would wait for long hears so at once; those that came first are served first. */
  function shorten(): void {
    while (queue.length() * costMs > SHORT_MS) {
      const newest = queue.takeNewest()
      if (newest !== null) turnAway(newest)
    }
    round.last = Math.min(round.last, queue.taken() + queue.length())
  }

  function endTurn(): void {
    step()
    if (turn.read === 0 && queue.length() === 0) {
      isAwake = false
      delayMs = 0
      judge()
      return
    }
    const tookMs = work - turn.start
    if (turn.served > 0) costMs += (tookMs / turn.served - costMs) * NEWEST_COUNTS
    const answersMs = tookMs - (turn.servedUntil - (turn.firstServed ?? turn.servedUntil))
    turn = newTurn(work, Math.min(Math.max(answersMs, SLICE_MS.least), SLICE_MS.most))
    judge()
    // Each by itself: what it begins without waiting for anything counts as its own.
    const next = Math.min(queue.length(), MOST_A_TURN)
    for (let count = 0; count < next; count += 1) later(serveNext)
    later(endTurn)
  }

  function serveNext(): void {
    step()
    if (turn.firstServed !== null) turn.servedUntil = work
    const next = queue.oldest()
    if (next === null || !hasTime()) return
    queue.take()
    if (work - next.since <= LONGEST_MS) run(next.request, next.since)
    else turnAway(next.request)
    judge()
  }

  return {
    admit(request) {
      if (!isAwake) {
        isAwake = true
        lastStep = now()
        turn = newTurn(work, SLICE_MS.least)
        later(endTurn)
      }
      step()
      turn.read += 1
      const waiting = queue.length()
      const isLong = isOverloaded && waiting * costMs > SHORT_MS
      if (isLong || underWay + waiting >= mostInFlight) turnAway(request)
      else if (waiting === 0 && hasTime()) run(request, work)
      else queue.put(request, work)
    },
    begin() {
      let isWaiting = true
      underWay += 1
      return () => {
        if (isWaiting) underWay -= 1
        isWaiting = false
      }
    },
    load: () => ({
      refused,
      inFlight: underWay + queue.length(),
      queued: queue.length(),
      delayMs,
    }),
  }
}

/** One turn of the event loop; all times are those of the work. */
interface Turn {
  readonly start: number
  /** How long it may go on to serve, from the first that it serves. */
  readonly sliceMs: number
  firstServed: number | null
  read: number
  served: number
  servedUntil: number
}

function newTurn(start: number, sliceMs: number): Turn {
  return { start, sliceMs, firstServed: null, read: 0, served: 0, servedUntil: start }
}

/** Serves requests in the order in which they came, for a few milliseconds of each tick, and rejects what would wait too long. */
import { createQueue } from './request-queue.ts'

export interface SheddingOptions<T> {
  /** Milliseconds of a clock that is never set back, such as `performance.now()`. */
  readonly now: () => number
  /** Calls back once everything that is ready now has been read, such as `setImmediate`. */
  readonly later: (run: () => void) => void
  readonly maxInFlight: number
  /** Requests that are being served. */
  readonly inFlight: () => number
  /** Begins to serve, at once or a few milliseconds after the request was read. */
  readonly serve: (request: T) => void
  /** Responds that the gateway is overloaded. */
  readonly reject: (request: T) => void
}

export interface Load {
  /** Requests rejected since the start. */
  readonly rejected: number
  /** Requests read completely and not answered yet; those that wait in the queue included. */
  readonly inFlight: number
  /** Requests that wait in the queue. */
  readonly queued: number
  /**
   * Milliseconds since the first rejection after the last request that was served, where the next would
   * be rejected as well; null where it would not.
   */
  readonly rejectingForMs: number | null
}

/** Longer than any burst: the requests in flight do not end. */
const STUCK_MS = 5000

/** Why the gateway should get no requests, as a sentence for its operator; null where it serves some. */
export function overloadReason({ inFlight, rejectingForMs }: Load): string | null {
  if (rejectingForMs === null || rejectingForMs < STUCK_MS) return null
  const seconds = Math.round(rejectingForMs / 1000)
  return `The gateway has rejected every request for ${seconds} seconds: ${inFlight} are in flight, and none of them ends. See the log for what they wait for.`
}

export interface Shedding<T> {
  /** To be called with each request, before any work is done for it. */
  admit(request: T): void
  load(): Load
}

/** How long a request may wait, in milliseconds of work. */
const LONG_WAIT_MS = 200
/** And how long where the queue has not been empty for STANDING_MS: then it is an overload, not a burst. */
const SHORT_WAIT_MS = 50
const STANDING_MS = 400
/** A step counts as this at most: garbage collection or one large response is no overload. */
const MAX_STEP_MS = 10
/**
 * How long a tick serves, and how many requests. Node accepts one new connection a tick: long ticks
 * would keep everybody else out.
 */
const TICK_MS = 4
const MAX_PER_TICK = 64
/** What a request is thought to cost at first, and the weight of each request in the moving average. */
const FIRST_COST_MS = 1
const WEIGHT = 0.01

/**
 * A queue with controlled delay, by the rule of Maurer, "Fail at Scale":
 * https://queue.acm.org/detail.cfm?id=2839461. Time is measured in work: a pause of the process is not
 * counted as waiting. Nothing runs while no request comes.
 */
export function createShedding<T>(options: SheddingOptions<T>): Shedding<T> {
  const { now, later, maxInFlight, inFlight, serve, reject } = options
  const queue = createQueue<T>()
  let isAwake = false
  let steppedAt = 0
  let workMs = 0
  /** When the queue was last empty. */
  let emptyAt = 0
  let tick: Tick = newTick(0)
  let costMs = FIRST_COST_MS
  let rejected = 0
  let rejectingSince: number | null = null

  function step(): void {
    const at = now()
    workMs += Math.min(at - steppedAt, MAX_STEP_MS)
    steppedAt = at
    if (queue.length() === 0) emptyAt = workMs
  }

  const maxWaitMs = (): number => (workMs - emptyAt > STANDING_MS ? SHORT_WAIT_MS : LONG_WAIT_MS)

  function isFull(): boolean {
    const waiting = queue.length()
    return inFlight() + waiting >= maxInFlight || waiting * costMs > maxWaitMs()
  }

  function turnAway(request: T): void {
    rejected += 1
    rejectingSince ??= steppedAt
    reject(request)
  }

  function hasTime(): boolean {
    return tick.servingSince === null || workMs - tick.servingSince < TICK_MS
  }

  function run(request: T): void {
    rejectingSince = null
    tick.servingSince ??= workMs
    tick.served += 1
    serve(request)
    step()
  }

  function serveNext(): void {
    step()
    const next = hasTime() ? queue.take() : null
    if (next === null) return
    if (workMs - next.since > maxWaitMs()) turnAway(next.request)
    else run(next.request)
  }

  /** Weighted by request, so that a pause in a tick that served one counts as little as that one. */
  function learnCost(ms: number, requests: number): void {
    costMs += (ms - costMs) * Math.min(1, requests * WEIGHT)
  }

  function endTick(): void {
    step()
    if (tick.served > 0) learnCost((workMs - tick.startedAt) / tick.served, tick.served)
    if (tick.read === 0 && queue.length() === 0) {
      isAwake = false
      return
    }
    tick = newTick(workMs)
    // Each in a callback of its own: the microtasks that one begins run before the next is served.
    const count = Math.min(queue.length(), MAX_PER_TICK)
    for (let index = 0; index < count; index += 1) later(serveNext)
    later(endTick)
  }

  return {
    admit(request) {
      if (!isAwake) {
        isAwake = true
        steppedAt = now()
        tick = newTick(workMs)
        later(endTick)
      }
      step()
      tick.read += 1
      if (isFull()) turnAway(request)
      else if (queue.length() === 0 && hasTime()) run(request)
      else queue.put(request, workMs)
    },
    load: () => ({
      rejected,
      inFlight: inFlight() + queue.length(),
      queued: queue.length(),
      rejectingForMs: rejectingSince !== null && isFull() ? now() - rejectingSince : null,
    }),
  }
}

/** One turn of the event loop; times are those of the work. */
interface Tick {
  readonly startedAt: number
  /** Since when it serves; null where it has served no request. */
  servingSince: number | null
  read: number
  served: number
}

function newTick(startedAt: number): Tick {
  return { startedAt, servingSince: null, read: 0, served: 0 }
}

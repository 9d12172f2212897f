/**
 * Load shedder: serves requests a few milliseconds per tick, one of each client in turn; rejects those that would
 * wait too long.
 */
import type { Scheduling } from './accept-priority.ts'
import { createFairQueue } from './fair-queue.ts'

export interface LoadShedderOptions<T> extends Scheduling {
  readonly maxInFlight: number
  /** Requests that are being served. */
  readonly inFlight: () => number
  /** Returns the client of a request, such as its address; null if unknown. Called only if requests wait. */
  readonly clientOf: (request: T) => string | null
  /** Starts to serve a request, immediately or a few milliseconds after it was read. */
  readonly serve: (request: T) => void
  /** Responds that the gateway is overloaded. */
  readonly reject: (request: T) => void
}

export interface Load {
  /** Requests rejected since the start. */
  readonly rejected: number
  /** Requests read completely and without a response yet, queued ones included. */
  readonly inFlight: number
  /** Requests that wait in the queue. */
  readonly queued: number
  /**
   * Milliseconds since the first rejection after the last served request; null if the next request would
   * not be rejected.
   */
  readonly rejectingForMs: number | null
}

/** Longer than any burst: after this, the requests in flight are considered stuck. */
const STUCK_MS = 5000

/** Returns why the gateway is not ready, for its operator; null if it serves requests. */
export function overloadReason({ inFlight, rejectingForMs }: Load): string | null {
  if (rejectingForMs === null || rejectingForMs < STUCK_MS) return null
  const seconds = Math.round(rejectingForMs / 1000)
  return `The gateway has rejected every request for ${seconds} seconds: ${inFlight} are in flight, and none of them ends. See the log for what they wait for.`
}

export interface LoadShedder<T> {
  /** Serves, queues or rejects the request. Called before any work is done for it. */
  admit(request: T): void
  load(): Load
}

/** Maximum waiting time, in milliseconds of work. */
const LONG_WAIT_MS = 200
/**
 * Maximum waiting time of new requests during an overload: the queue has not been empty for STANDING_MS,
 * and requests were rejected meanwhile. Clients that wait for each response before they send the next
 * request also keep the queue standing, but it does not grow.
 */
const SHORT_WAIT_MS = 50
const STANDING_QUEUE_MS = 400
/** Maximum work counted per step: garbage collection or one large response is no overload. */
const MAX_STEP_MS = 10
/** Maximum serving time and number of requests per tick: long ticks delay everything else. */
const TICK_MS = 4
const MAX_PER_TICK = 64
/** Initial cost estimate of a request, and the weight of one request in the moving average. */
const FIRST_COST_MS = 1
const WEIGHT = 0.01

/**
 * A queue with controlled delay (CoDel), as in Maurer, "Fail at Scale":
 * https://queue.acm.org/detail.cfm?id=2839461. Time is measured in work: a pause of the process, or
 * the time in which connections are accepted first, counts as MAX_STEP_MS at most. No timer runs while there are no
 * requests.
 */
export function createLoadShedder<T>(options: LoadShedderOptions<T>): LoadShedder<T> {
  const { acceptPriority, maxInFlight, inFlight, serve } = options
  const { now, later } = options.loop
  const queue = createFairQueue<{ readonly request: T; readonly since: number }>()
  let isAwake = false
  let steppedAt = 0
  let workMs = 0
  /** Work time at which the queue was last empty. */
  let emptyAt = 0
  let hasRejectedSince = false
  let tick: Tick = newTick(0)
  let costMs = FIRST_COST_MS
  let rejected = 0
  let rejectingSince: number | null = null

  function step(): void {
    if (acceptPriority.isPaused()) return
    const at = now()
    workMs += Math.min(at - steppedAt, MAX_STEP_MS)
    steppedAt = at
    if (queue.length() > 0) return
    emptyAt = workMs
    hasRejectedSince = false
  }

  function maxWaitMs(): number {
    const isOverload = hasRejectedSince && workMs - emptyAt > STANDING_QUEUE_MS
    return isOverload ? SHORT_WAIT_MS : LONG_WAIT_MS
  }

  /** @param ahead requests that are served before the next one */
  function isFull(ahead: number): boolean {
    return inFlight() + queue.length() >= maxInFlight || ahead * costMs > maxWaitMs()
  }

  function reject(request: T): void {
    rejected += 1
    hasRejectedSince = true
    rejectingSince ??= steppedAt
    options.reject(request)
  }

  function hasTime(): boolean {
    if (acceptPriority.isPaused()) return false
    return tick.servingSince === null || workMs - tick.servingSince < TICK_MS
  }

  function run(request: T): void {
    rejectingSince = null
    tick.servingSince ??= workMs
    tick.served += 1
    acceptPriority.workStarted(queue.length() > 0)
    serve(request)
    step()
  }

  function serveNext(): void {
    step()
    const next = hasTime() ? queue.dequeue() : null
    if (next === null) return
    // The short wait applies to new requests only: a rejection after a wait helps no client.
    if (workMs - next.since > LONG_WAIT_MS) reject(next.request)
    else run(next.request)
  }

  /** Weighted by the number of requests: a pause in a tick with one request has little effect. */
  function updateCost(ms: number, requests: number): void {
    costMs += (ms - costMs) * Math.min(1, requests * WEIGHT)
  }

  function endTick(): void {
    step()
    if (tick.served > 0) updateCost((workMs - tick.startedAt) / tick.served, tick.served)
    if (tick.read === 0 && queue.length() === 0) {
      isAwake = false
      return
    }
    // The time of ticks that serve no request is part of the cost of the next request.
    tick = newTick(tick.served > 0 ? workMs : tick.startedAt)
    // One callback per request: microtasks of one request run before the next is served.
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
      if (queue.length() === 0 && hasTime()) {
        if (isFull(0)) reject(request)
        else run(request)
        return
      }
      const client = options.clientOf(request)
      if (isFull(queue.aheadOf(client))) reject(request)
      else queue.enqueue(client, { request, since: workMs })
    },
    load: () => ({
      rejected,
      inFlight: inFlight() + queue.length(),
      queued: queue.length(),
      rejectingForMs:
        rejectingSince !== null && isFull(queue.length()) ? now() - rejectingSince : null,
    }),
  }
}

/** One tick of the event loop; times are work times. */
interface Tick {
  readonly startedAt: number
  /** Start of the first request served in this tick; null if there is none. */
  servingSince: number | null
  read: number
  served: number
}

function newTick(startedAt: number): Tick {
  return { startedAt, servingSince: null, read: 0, served: 0 }
}

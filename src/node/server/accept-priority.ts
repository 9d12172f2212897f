/**
 * Decides when new connections are accepted before work is started. Node accepts one connection per tick of the
 * event loop: if each tick starts slow work, such as the request of the connection before, hundreds of waiting
 * connections delay every later one by hundreds of times that work.
 */

/** Time and callbacks of the event loop. Replaced in tests by a simulated one. */
export interface EventLoop {
  /** Monotonic clock in milliseconds. */
  readonly now: () => number
  /** Calls back after the I/O that is ready now. */
  readonly later: (run: () => void) => void
}

const eventLoop: EventLoop = { now: () => performance.now(), later: setImmediate }

/** Shared by everything that starts work for clients: requests, WebSocket messages, deliveries of changes. */
export interface AcceptPriority {
  /** Must be called for each new connection: further ones may be waiting. */
  connectionAccepted(): void
  /** If true, no work may be started now. It never stays true without connections being accepted. */
  isPaused(): boolean
  /** Calls `run` now, or as soon as work may be started again. It must not throw. */
  whenNotPaused(run: () => void): void
  /** Must be called when work is started. @param doRequestsWait whether requests wait in a queue anyway */
  workStarted(doRequestsWait?: boolean): void
}

/** What a queue needs to start its work in ticks. One for each process: all queues share its event loop. */
export interface Scheduling {
  readonly loop: EventLoop
  readonly acceptPriority: AcceptPriority
}

export function createScheduling(loop: EventLoop = eventLoop): Scheduling {
  return { loop, acceptPriority: createAcceptPriority(loop) }
}

/** A longer tick delays the connections that wait. */
const SLOW_TICK_MS = 20

/**
 * Time beyond SLOW_TICK_MS per tick until work is paused. Longer than single pauses, such as a garbage collection
 * or the first request of a process: while work is paused, cheap requests would arrive faster than they are served.
 */
const MAX_DELAY_MS = 300

/**
 * After a tick that accepted a connection, work is paused if such ticks were slow in sum, or if requests wait
 * anyway: until a tick accepts none, for at most as long as the latest tick with work took. So work keeps half of
 * the time, and a waiting connection is delayed by a few slow ticks. No timer runs while no connections arrive.
 */
function createAcceptPriority({ now, later }: EventLoop): AcceptPriority {
  let isAwake = false
  let hasAccepted = false
  let hasStarted = false
  let isQueued = false
  let tickStartedAt = 0
  /** Time of the recent ticks beyond SLOW_TICK_MS each. */
  let delayMs = 0
  /** Null while work may be started. */
  let pausedUntil: number | null = null
  let waiting: (() => void)[] = []

  function release(): void {
    pausedUntil = null
    const released = waiting
    waiting = []
    for (const run of released) run()
  }

  function endTick(): void {
    const at = now()
    const tickMs = at - tickStartedAt
    tickStartedAt = at
    isAwake = hasAccepted
    if (!isAwake) {
      delayMs = 0
      release()
      return
    }
    hasAccepted = false
    later(endTick)
    if (pausedUntil === null) {
      delayMs = Math.max(0, delayMs + tickMs - SLOW_TICK_MS)
      // At least one tick with work is between two pauses.
      if (hasStarted && (isQueued || delayMs > MAX_DELAY_MS)) pausedUntil = at + tickMs
    } else if (at >= pausedUntil) release()
    hasStarted = false
    isQueued = false
  }

  return {
    connectionAccepted() {
      hasAccepted = true
      if (isAwake) return
      isAwake = true
      tickStartedAt = now()
      later(endTick)
    },
    isPaused: () => pausedUntil !== null,
    whenNotPaused(run) {
      if (pausedUntil === null) run()
      else waiting.push(run)
    },
    workStarted(doRequestsWait = false) {
      hasStarted = true
      isQueued ||= doRequestsWait
    },
  }
}

/** Time and callbacks of Node's event loop. Replaced in tests by a simulated one. */

export interface EventLoop {
  /** Monotonic clock in milliseconds. */
  readonly now: () => number
  /** Calls back after the I/O that is ready now. */
  readonly later: (run: () => void) => void
}

export const eventLoop: EventLoop = { now: () => performance.now(), later: setImmediate }

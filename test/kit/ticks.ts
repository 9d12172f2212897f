/** Counts the ticks of the event loop. */

export interface Ticks {
  count(): number
  stop(this: void): void
}

export function startTicks(): Ticks {
  let count = 0
  let next = setImmediate(tick)
  function tick(): void {
    count += 1
    next = setImmediate(tick)
  }
  return { count: () => count, stop: () => clearImmediate(next) }
}

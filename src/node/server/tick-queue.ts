/** Processes items a few milliseconds per tick of the event loop, one item of each key in turn. */
import type { Scheduling } from './accept-priority.ts'
import { type Key, createFairQueue } from './fair-queue.ts'

/** Maximum processing time per tick: as long as the load shedder serves requests, so that both get their share. */
const TICK_MS = 4

/** Maximum items per tick: most work of an item may happen after the tick that has started it. */
const MAX_PER_TICK = 16

export interface TickQueue<T> {
  /** Processes the item now and returns true if no other waits and this tick has time; otherwise returns false. */
  processNow(item: T): boolean
  /** Processes the item in a later tick, in the turns of its key. */
  enqueue(key: Key, item: T): void
}

/**
 * No timer runs while there are no items.
 * @param process processes an item synchronously, or starts to; must not throw
 */
export function createTickQueue<T>(
  { loop: { now, later }, acceptPriority }: Scheduling,
  process: (item: T) => void,
): TickQueue<T> {
  const queue = createFairQueue<T>()
  let isAwake = false
  /** Start of the first item of this tick; null if there is none. */
  let startedAt: number | null = null
  let processed = 0

  function hasTime(): boolean {
    if (acceptPriority.isPaused()) return false
    return startedAt === null || (processed < MAX_PER_TICK && now() - startedAt < TICK_MS)
  }

  function run(item: T): void {
    startedAt ??= now()
    processed += 1
    acceptPriority.workStarted()
    process(item)
  }

  function processNext(): void {
    const next = hasTime() ? queue.dequeue() : null
    if (next !== null) run(next)
  }

  function wake(): void {
    if (isAwake) return
    isAwake = true
    later(endTick)
  }

  function endTick(): void {
    startedAt = null
    processed = 0
    isAwake = false
    if (queue.length() === 0) return
    // One callback per item: microtasks of one item run before the next is processed.
    const count = Math.min(queue.length(), MAX_PER_TICK)
    for (let index = 0; index < count; index += 1) later(processNext)
    wake()
  }

  return {
    processNow(item) {
      if (queue.length() > 0 || !hasTime()) return false
      wake()
      run(item)
      return true
    },
    enqueue(key, item) {
      queue.enqueue(key, item)
      wake()
    },
  }
}

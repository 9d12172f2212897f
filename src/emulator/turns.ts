/**
 * Starts work a few milliseconds per tick of the event loop, one item of each client in turn. All requests that
 * arrive together would otherwise be processed in one tick, which delays everything else in the process.
 */
import { MAX_TURNS_PER_TICK, TURNS_MS_PER_TICK } from './limits.ts'

/** Time and callbacks of the event loop. */
interface EventLoop {
  /** Monotonic clock in milliseconds. */
  readonly now: () => number
  /** Calls back after the I/O that is ready now. */
  readonly later: (run: () => void) => void
}

const eventLoop: EventLoop = { now: () => performance.now(), later: setImmediate }

/** No timer runs while nothing waits and nothing was started in this tick. */
export class Turns {
  readonly #loop: EventLoop
  /** Callbacks that start the work of each client, oldest first, at least one each. The first client is next. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #length = 0
  #isAwake = false
  /** Start of the first item of this tick; null if there is none. */
  #startedAt: number | null = null
  #started = 0

  constructor(loop: EventLoop = eventLoop) {
    this.#loop = loop
  }

  /** Resolves when the client may start work, at once if nobody waits and this tick has time. */
  next(client: string): Promise<void> {
    this.#wake()
    return new Promise((resolve) => {
      if (this.#length === 0 && this.#hasTime()) {
        this.#start(resolve)
        return
      }
      this.#length += 1
      const starts = this.#waiting.get(client)
      if (starts === undefined) this.#waiting.set(client, [resolve])
      else starts.push(resolve)
    })
  }

  #hasTime(): boolean {
    if (this.#startedAt === null) return true
    return (
      this.#started < MAX_TURNS_PER_TICK && this.#loop.now() - this.#startedAt < TURNS_MS_PER_TICK
    )
  }

  #start(start: () => void): void {
    this.#startedAt ??= this.#loop.now()
    this.#started += 1
    start()
  }

  #startNext(): void {
    if (!this.#hasTime()) return
    const [next] = this.#waiting
    if (next === undefined) return
    const [client, starts] = next
    const start = starts.shift()
    this.#length -= 1
    this.#waiting.delete(client)
    if (starts.length > 0) this.#waiting.set(client, starts)
    if (start !== undefined) this.#start(start)
  }

  #wake(): void {
    if (this.#isAwake) return
    this.#isAwake = true
    this.#loop.later(() => this.#endTick())
  }

  #endTick(): void {
    this.#startedAt = null
    this.#started = 0
    this.#isAwake = false
    if (this.#length === 0) return
    // One callback per item: the microtasks of one item run before the next starts.
    const count = Math.min(this.#length, MAX_TURNS_PER_TICK)
    for (let index = 0; index < count; index += 1) this.#loop.later(() => this.#startNext())
    this.#wake()
  }
}

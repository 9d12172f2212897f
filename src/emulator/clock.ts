/** The emulator's clock: system or injected clock plus an offset, set by the control API. */

/** Source of the current time. Tests may inject their own. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number
}

/** The system clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** A clock whose offset only grows until `reset`. `saveOffset` persists it across restarts. */
export class AdjustableClock implements Clock {
  readonly #base: Clock
  readonly #saveOffset: (offsetMs: number) => void
  #offsetMs: number

  constructor(base: Clock, offsetMs: number, saveOffset: (offsetMs: number) => void) {
    this.#base = base
    this.#offsetMs = offsetMs
    this.#saveOffset = saveOffset
  }

  now(): number {
    return this.#base.now() + this.#offsetMs
  }

  /** Milliseconds by which this clock is ahead of its base. */
  get offsetMs(): number {
    return this.#offsetMs
  }

  /** Moves the clock ahead. Must not be negative: stored timestamps must stay in the past. */
  advance(milliseconds: number): void {
    this.#setOffset(this.#offsetMs + milliseconds)
  }

  /** Returns to the base's time. Only safe after every timestamped record was deleted. */
  reset(): void {
    this.#setOffset(0)
  }

  #setOffset(offsetMs: number): void {
    this.#offsetMs = offsetMs
    this.#saveOffset(offsetMs)
  }
}

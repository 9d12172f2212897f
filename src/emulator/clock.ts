/** The emulator's time: the computer's (or a handed-in one), moved ahead by a knob. */

/** Where time comes from. Tests may hand in their own. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number
}

/** The computer's clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** A clock with an offset that only grows, and that outlives a restart through `saveOffset`. */
export class AdvancingClock implements Clock {
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

  /** How far ahead of its base this clock is, in milliseconds. */
  get offsetMs(): number {
    return this.#offsetMs
  }

  /** Videos that were made before never travel back: a clock is only ever moved ahead. */
  advance(milliseconds: number): void {
    this.#setOffset(this.#offsetMs + milliseconds)
  }

  /** Back to the base's time. Only when everything that was dated is forgotten too. */
  reset(): void {
    this.#setOffset(0)
  }

  #setOffset(offsetMs: number): void {
    this.#offsetMs = offsetMs
    this.#saveOffset(offsetMs)
  }
}

/** Bounds the jobs of each creator that run at the same time, in several queues together. */

export class CreatorLimit {
  readonly #maxRunning: number
  readonly #outer: CreatorLimit | null
  /** Number of running jobs of each creator that has one. */
  readonly #running = new Map<string | null, number>()
  /** Callbacks of the queues whose jobs wait, the next one first. Each starts a job if it may. */
  readonly #waiting = new Set<() => void>()

  /** @param outer a limit that holds too */
  constructor(maxRunning: number, outer: CreatorLimit | null = null) {
    this.#maxRunning = maxRunning
    this.#outer = outer
  }

  /** @param creator null counts as one creator */
  mayRun(creator: string | null): boolean {
    const running = this.#running.get(creator) ?? 0
    return running < this.#maxRunning && (this.#outer?.mayRun(creator) ?? true)
  }

  add(creator: string | null): void {
    this.#outer?.add(creator)
    this.#running.set(creator, (this.#running.get(creator) ?? 0) + 1)
  }

  /** Removes an ended job, and starts a job that waited for it. */
  end(creator: string | null): void {
    this.#remove(creator)
    for (const startNext of this.#queues) startNext()
  }

  /** Calls back when a job has ended, until `stopWaiting`. Queues take turns: the one that was added last is last. */
  wait(startNext: () => void): void {
    this.#queues.add(startNext)
  }

  stopWaiting(startNext: () => void): void {
    this.#queues.delete(startNext)
  }

  /** All limits of one outer limit wake the same queues: each may wait for the end of a job in another. */
  get #queues(): Set<() => void> {
    return this.#outer === null ? this.#waiting : this.#outer.#queues
  }

  #remove(creator: string | null): void {
    if (this.#outer !== null) this.#outer.#remove(creator)
    const running = (this.#running.get(creator) ?? 0) - 1
    if (running > 0) this.#running.set(creator, running)
    else this.#running.delete(creator)
  }
}

/** Bounds the number of jobs that run at the same time, and chooses fairly which of the others is next. */

import type { CreatorLimit } from './creator-limit.ts'

interface WaitingCreator {
  readonly creator: string | null
  /** Callbacks that start the creator's jobs, oldest first; at least one. */
  readonly jobs: (() => void)[]
}

export class FairQueue {
  /** The first creator is next. */
  readonly #waiting: WaitingCreator[] = []
  /** Creators whose jobs were started since there was nobody waiting. */
  readonly #served = new Set<string | null>()
  readonly #perCreator: CreatorLimit
  #free: number

  /** @param perCreator leaves places to other creators, whatever a job takes; queues may share it */
  constructor(maxRunning: number, perCreator: CreatorLimit) {
    this.#free = maxRunning
    this.#perCreator = perCreator
  }

  /**
   * Runs the job when fewer than the maximum run. Creators take turns: first one whose jobs have not been waiting and
   * had no turn, and of one creator the newest job. Many slow jobs then delay each other, and not the job of another
   * creator, whether it is requested before or after them. Rejects if the signal aborts before the job starts.
   * @param creator of the video; null counts as one creator
   */
  async run<Result>(
    creator: string | null,
    signal: AbortSignal,
    job: () => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted()
    if (this.#mayRun(creator)) this.#take(creator)
    else await this.#wait(creator, signal)
    try {
      return await job()
    } finally {
      if (this.#waiting.length === 0) this.#served.clear()
      this.#free += 1
      this.#perCreator.end(creator)
    }
  }

  #mayRun(creator: string | null): boolean {
    return this.#free > 0 && this.#perCreator.mayRun(creator)
  }

  #take(creator: string | null): void {
    this.#free -= 1
    this.#perCreator.add(creator)
  }

  #wait(creator: string | null, signal: AbortSignal): Promise<void> {
    let entry = this.#waiting.find((waiting) => waiting.creator === creator)
    if (entry === undefined) {
      entry = { creator, jobs: [] }
      if (this.#served.has(creator)) this.#waiting.push(entry)
      else this.#waiting.unshift(entry)
      this.#perCreator.wait(this.#startNext)
    }
    const { jobs } = entry
    return new Promise((resolve, reject) => {
      const leave = () => {
        jobs.splice(jobs.indexOf(start), 1)
        if (jobs.length === 0) this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        if (this.#waiting.length === 0) this.#perCreator.stopWaiting(this.#startNext)
        reject(new Error('The job was aborted.', { cause: signal.reason }))
      }
      const start = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      signal.addEventListener('abort', leave)
      jobs.push(start)
    })
  }

  /** Starts a job if one may run. */
  readonly #startNext = (): void => {
    const index = this.#waiting.findIndex(({ creator }) => this.#mayRun(creator))
    const [next] = index === -1 ? [] : this.#waiting.splice(index, 1)
    if (next === undefined) return
    this.#served.add(next.creator)
    this.#take(next.creator)
    const start = next.jobs.pop()
    if (next.jobs.length > 0) this.#waiting.push(next)
    this.#perCreator.stopWaiting(this.#startNext)
    if (this.#waiting.length > 0) this.#perCreator.wait(this.#startNext)
    start?.()
  }
}

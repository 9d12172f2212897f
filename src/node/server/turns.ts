/**
 * Starts work a few milliseconds per tick, one item of each client in turn: events that waited for clients which did
 * not read, and further pages of an operation. All of it would otherwise be executed in one tick.
 */
import type { Scheduling } from './accept-priority.ts'
import { createTickQueue } from './tick-queue.ts'

export interface Turns {
  /** Resolves when this client's next work may be started. @param client caller or network; null if unknown */
  readonly next: (client: string | null) => Promise<void>
}

export function createTurns(scheduling: Scheduling): Turns {
  const queue = createTickQueue<() => void>(scheduling, (start) => start())
  return {
    // Never at once: the time that the work takes is known only when it has run, after this call.
    next: (client) =>
      new Promise((resolve) => {
        queue.enqueue(client, resolve)
      }),
  }
}

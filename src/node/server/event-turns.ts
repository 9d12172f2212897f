/**
 * Executes the events that wait for clients which did not read: a few milliseconds per tick, one of each client in
 * turn. A client that reads again would otherwise get all its events, on all its streams, in one tick.
 */
import type { Scheduling } from './accept-priority.ts'
import { createTickQueue } from './tick-queue.ts'

/** Shared by all event streams and WebSockets of the process. */
export interface EventTurns {
  /** Resolves when the next event of this client may be executed. @param client caller or network; null if unknown */
  next(client: string | null): Promise<void>
}

export function createEventTurns(scheduling: Scheduling): EventTurns {
  const queue = createTickQueue<() => void>(scheduling, (execute) => execute())
  return {
    next: (client) =>
      new Promise((resolve) => {
        if (!queue.processNow(resolve)) queue.enqueue(client, resolve)
      }),
  }
}

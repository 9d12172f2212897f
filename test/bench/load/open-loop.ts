/**
 * Requests at a fixed rate, whatever the server does with them. Each is timed from the moment when it
 * was due, so that a server that stands still is not excused from those that could not be sent.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Connection, openConnection } from './connection.ts'
import { createCount } from './count.ts'
import { requestsFrom } from './requests.ts'
import type { Measured, OpenLoop } from './work.ts'

/** A connection by which nothing is under way. */
interface Idle {
  isGone: boolean
  readonly ask: (due: number) => void
}

export async function runOpenLoop(work: OpenLoop): Promise<Measured> {
  const next = requestsFrom(work.source)
  const count = createCount(work.pid)
  const all: Connection[] = []
  const idle: Idle[] = []
  /** When those were due that found no connection, oldest first. */
  const waiting: number[] = []
  let firstWaiting = 0
  for (let made = 0; made < work.connections; made += 1) addOne()

  function addOne(): void {
    /** When the request under way was due; null where none is. */
    let dueAt: number | null = null
    const mine: Idle = { isGone: false, ask }
    const connection = openConnection(
      work.target,
      (arrival) => {
        // A server says goodbye to a connection that was never used: nobody asked.
        if (dueAt === null) return
        count.add(arrival, performance.now() - dueAt)
        dueAt = null
        const due = waiting[firstWaiting]
        if (due === undefined) {
          idle.push(mine)
          return
        }
        firstWaiting += 1
        ask(due)
      },
      (reason) => {
        mine.isGone = true
        if (dueAt !== null) count.lose(reason)
        addOne()
      },
    )
    function ask(due: number): void {
      dueAt = due
      connection.send(next())
    }
    all.push(connection)
    idle.push(mine)
  }

  /** The one that was used last of those that stand. */
  function takeIdle(): Idle | null {
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      if (!last.isGone) return last
    }
    return null
  }

  const begun = performance.now()
  let sent = 0
  const pump = setInterval(() => {
    const due = Math.floor(((performance.now() - begun) / 1000) * work.perSecond)
    for (; sent < due; sent += 1) {
      const dueAt = begun + (sent / work.perSecond) * 1000
      const free = takeIdle()
      if (free === null) waiting.push(dueAt)
      else free.ask(dueAt)
    }
  }, 1)
  await pause(work.warmUpMs)
  count.begin()
  await pause(work.windowMs)
  count.finish()
  clearInterval(pump)
  for (const connection of all) connection.close()
  return count.result()
}

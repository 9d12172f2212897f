/**
 * Load at a fixed rate, independent of the responses. Each response is timed from when its
 * request was due, so that a stalled server is also charged for requests that could not be sent.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Connection, openConnection } from './connection.ts'
import { createCount } from './count.ts'
import { requestsFrom } from './requests.ts'
import type { Measured, OpenLoop } from './work.ts'

/** A connection without a running request. */
interface IdleConnection {
  isClosed: boolean
  readonly send: (due: number) => void
}

export async function runOpenLoop(work: OpenLoop): Promise<Measured> {
  const next = requestsFrom(work.source)
  const count = createCount(work.pid)
  const all: Connection[] = []
  const idle: IdleConnection[] = []
  /** Due times of requests that wait for a connection, oldest first. */
  const waiting: number[] = []
  let firstWaiting = 0
  for (let opened = 0; opened < work.connections; opened += 1) addOne()

  function addOne(): void {
    /** Due time of the running request; null when idle. */
    let dueAt: number | null = null
    const self: IdleConnection = { isClosed: false, send }
    const connection = openConnection(
      work.target,
      (arrival) => {
        // A response without a request, such as 408 on an idle connection.
        if (dueAt === null) return
        count.add(arrival, performance.now() - dueAt)
        dueAt = null
        const due = waiting[firstWaiting]
        if (due === undefined) {
          idle.push(self)
          return
        }
        firstWaiting += 1
        send(due)
      },
      (reason) => {
        self.isClosed = true
        if (dueAt !== null) count.recordLostConnection(reason)
        addOne()
      },
    )
    function send(due: number): void {
      dueAt = due
      connection.send(next())
    }
    all.push(connection)
    idle.push(self)
  }

  /** The most recently used connection that is still open. */
  function popIdle(): IdleConnection | null {
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      if (!last.isClosed) return last
    }
    return null
  }

  const startedAt = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * work.perSecond)
    for (; sent < due; sent += 1) {
      const dueAt = startedAt + (sent / work.perSecond) * 1000
      const free = popIdle()
      if (free === null) waiting.push(dueAt)
      else free.send(dueAt)
    }
  }, 1)
  await pause(work.warmUpMs)
  count.begin()
  await pause(work.windowMs)
  count.finish()
  clearInterval(timer)
  for (const connection of all) connection.close()
  return count.result()
}

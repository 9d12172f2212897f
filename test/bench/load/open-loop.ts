/**
 * Requests at a fixed rate, whatever the server does with them. Each is timed from the moment when it
 * was due, so that a server that stands still is not excused from those that could not be sent.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Connection, openConnection } from './connection.ts'
import { createCount } from './count.ts'
import { requestsFrom } from './requests.ts'
import type { Measured, OpenLoop } from './work.ts'

export async function runOpenLoop(work: OpenLoop): Promise<Measured> {
  const next = requestsFrom(work.source)
  const count = createCount(work.pid)
  const all: Connection[] = []
  const idle: ((due: number) => void)[] = []
  /** When those were due that found no connection, oldest first. */
  const waiting: number[] = []
  let firstWaiting = 0
  for (let made = 0; made < work.connections; made += 1) addOne()

  function addOne(): void {
    let dueAt = 0
    const connection = openConnection(
      work.target,
      (arrival) => {
        count.add(arrival, performance.now() - dueAt)
        const due = waiting[firstWaiting]
        if (due === undefined) {
          idle.push(ask)
          return
        }
        firstWaiting += 1
        ask(due)
      },
      (reason) => {
        count.lose(reason)
        addOne()
      },
    )
    function ask(due: number): void {
      dueAt = due
      connection.send(next())
    }
    all.push(connection)
    idle.push(ask)
  }

  const begun = performance.now()
  let sent = 0
  const pump = setInterval(() => {
    const due = Math.floor(((performance.now() - begun) / 1000) * work.perSecond)
    for (; sent < due; sent += 1) {
      const dueAt = begun + (sent / work.perSecond) * 1000
      const ask = idle.pop()
      if (ask === undefined) waiting.push(dueAt)
      else ask(dueAt)
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

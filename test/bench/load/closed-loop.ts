/** Load from connections that each send the next request right after a response. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Connection, type Target, openConnection } from './connection.ts'
import { createCount } from './count.ts'
import { requestsFrom } from './requests.ts'
import type { ClosedLoop, Measured } from './work.ts'

export async function runClosedLoop(work: ClosedLoop): Promise<Measured> {
  const next = requestsFrom(work.source)
  const count = createCount(work.pid, [], work.processGroups)
  const targets = [work.target, ...(work.others ?? [])]
  const connections = Array.from({ length: work.connections }, (_, at) =>
    openOne(targets[at % targets.length] ?? work.target),
  )

  function openOne(target: Target): Connection {
    let sentAt = 0
    const connection = openConnection(
      target,
      (arrival) => {
        count.add(arrival, performance.now() - sentAt)
        sendNext()
      },
      (reason) => count.recordLostConnection(reason),
    )
    function sendNext(): void {
      sentAt = performance.now()
      connection.send(next())
    }
    sendNext()
    return connection
  }

  await pause(work.warmUpMs)
  count.begin()
  await pause(work.windowMs)
  count.finish()
  for (const connection of connections) connection.close()
  return count.result()
}

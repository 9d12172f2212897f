/** One subscription to the hub, checked by pings. */
import type { Clock } from '../../shared/clock.ts'
import type { WorkerWebSocket } from '../runtime-types.ts'

/** Ping and its automatic response, which the runtime sends while the hub sleeps. */
export const PING = '?'
export const PONG = '!'

/** Ping interval in milliseconds: a lost connection is detected within two intervals. */
const PING_INTERVAL_MS = 20_000
const NORMAL_CLOSURE = 1000

/** Starts receiving; the returned function stops it. Calls `onLost` once if the connection is lost. */
export function receiveFrom(
  socket: WorkerWebSocket,
  clock: Pick<Clock, 'wait'>,
  onMessage: (text: string) => void,
  onLost: () => void,
): () => void {
  const ended = new AbortController()
  let hasPong = true

  function connectionLost(): void {
    if (ended.signal.aborted) return
    ended.abort()
    onLost()
  }

  async function pingLoop(): Promise<void> {
    for (;;) {
      await clock.wait(PING_INTERVAL_MS, ended.signal)
      if (ended.signal.aborted) return
      if (!hasPong) {
        connectionLost()
        socket.close(NORMAL_CLOSURE)
        return
      }
      hasPong = false
      socket.send(PING)
    }
  }

  socket.addEventListener('message', ({ data }) => {
    if (data === PONG) hasPong = true
    else if (typeof data === 'string') onMessage(data)
  })
  socket.addEventListener('close', connectionLost)
  socket.addEventListener('error', connectionLost)
  socket.accept()
  // `send` throws if the connection is lost.
  pingLoop().catch(connectionLost)
  return () => {
    if (ended.signal.aborted) return
    ended.abort()
    socket.close(NORMAL_CLOSURE)
  }
}

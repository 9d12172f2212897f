/** WebSocket clients that send the same messages to two servers and compare what they receive. */
import { openWebSocket } from '../kit/web-socket.ts'
import { ticks, until } from './subscription-clients.ts'

/** One message: text, bytes, or text in fragments. */
export type ClientMessage = string | Buffer | readonly string[]

export interface Transcript {
  /** Received messages by their id; messages without an id by ''. */
  readonly byId: ReadonlyMap<string, readonly string[]>
  readonly closed: { readonly code: number; readonly reason: string } | null
}

export interface RawSocket {
  send(data: ClientMessage): void
  transcript(): Transcript
  close(): void
}

/** Opens a WebSocket without sending connection_init. */
export async function openRaw(url: string): Promise<RawSocket> {
  const socket = await openWebSocket(url)
  const byId = new Map<string, string[]>()
  let closed: Transcript['closed'] = null
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() }
  })
  socket.on('message', (bytes: Buffer) => {
    const text = bytes.toString()
    const id = idOf(text)
    byId.set(id, [...(byId.get(id) ?? []), text])
  })
  return {
    send(data) {
      if (socket.readyState !== socket.OPEN) return
      if (typeof data === 'string' || Buffer.isBuffer(data)) {
        socket.send(data)
        return
      }
      for (const [index, part] of data.entries()) {
        socket.send(part, { fin: index === data.length - 1 })
      }
    },
    transcript: () => ({ byId, closed }),
    close: () => socket.terminate(),
  }
}

function idOf(text: string): string {
  const message: unknown = JSON.parse(text)
  const id = typeof message === 'object' && message !== null && 'id' in message ? message.id : ''
  return typeof id === 'string' ? id : ''
}

/** Waits until both servers have replied to all messages sent so far. */
export async function waitForReplies(sockets: readonly [RawSocket, RawSocket], barrier: string) {
  const ping = JSON.stringify({ type: 'ping', payload: { barrier } })
  const pong = JSON.stringify({ type: 'pong', payload: { barrier } })
  for (const socket of sockets) socket.send(ping)
  await until(
    () =>
      sockets.every((socket) => {
        const { byId, closed } = socket.transcript()
        return closed !== null || byId.get('')?.includes(pong) === true
      }),
    'the barrier',
  )
  await ticks(5)
}

/** Returns JSON that is equal for sockets with equal transcripts. */
export function comparable(socket: RawSocket): string {
  const { byId, closed } = socket.transcript()
  const entries = [...byId].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify({ closed, entries })
}

/** Sends connection_init; resolves when all sockets have received a reply. */
export async function connect(sockets: readonly RawSocket[]): Promise<void> {
  for (const socket of sockets) socket.send('{"type":"connection_init"}')
  await until(
    () => sockets.every((socket) => socket.transcript().byId.size > 0),
    'the acknowledgements',
  )
}

/** Two WebSockets that are sent the same: one with the fast path, one without. */
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { turns, until } from './subscription-clients.ts'

/** What is sent at once: text, bytes, or text in fragments. */
export type Sending = string | Buffer | readonly string[]

export interface Transcript {
  /** Messages by the id that they bear; those without one by ''. */
  readonly byId: ReadonlyMap<string, readonly string[]>
  readonly closed: { readonly code: number; readonly reason: string } | null
}

export interface RawSocket {
  send(sending: Sending): void
  transcript(): Transcript
  close(): void
}

/** Open, with nothing said yet. */
export async function openRaw(url: string): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const byId = new Map<string, string[]>()
  let closed: Transcript['closed'] = null
  onTestFinished(() => socket.terminate())
  socket.on('error', () => undefined)
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() }
  })
  socket.on('message', (data: Buffer) => {
    const text = data.toString()
    const id = idOf(text)
    byId.set(id, [...(byId.get(id) ?? []), text])
  })
  await once(socket, 'open')
  return {
    send(sending) {
      if (socket.readyState !== socket.OPEN) return
      if (typeof sending === 'string' || Buffer.isBuffer(sending)) {
        socket.send(sending)
        return
      }
      for (const [index, part] of sending.entries()) {
        socket.send(part, { fin: index === sending.length - 1 })
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

/** Both replied to everything that was sent so far, and nothing more is to come. */
export async function bothQuiet(sockets: readonly [RawSocket, RawSocket], barrier: string) {
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
  await turns(5)
}

/** As JSON of both that is equal where both were told the same. */
export function comparable(socket: RawSocket): string {
  const { byId, closed } = socket.transcript()
  const entries = [...byId].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify({ closed, entries })
}

/** Resolves once all are acknowledged. */
export async function connect(sockets: readonly RawSocket[]): Promise<void> {
  for (const socket of sockets) socket.send('{"type":"connection_init"}')
  await until(() => sockets.every((socket) => socket.transcript().byId.size > 0), 'being let in')
}

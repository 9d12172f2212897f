/** A graphql-transport-ws client that records every message and the close. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { z } from 'zod'

const messageSchema = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  payload: z.unknown().optional(),
})
type Message = z.infer<typeof messageSchema>

/** Close frame of the server. */
export interface Close {
  readonly code: number
  readonly reason: string
}

export interface Socket {
  subscribe(id: string, query: string): void
  /** Resolves with the first message of this type and operation; null if the socket closes before. */
  message(type: string, id?: string): Promise<Message | null>
  /** Messages received so far. */
  readonly messages: readonly Message[]
  readonly closed: Promise<Close>
}

/** Resolves after `connection_ack`. */
export async function openSocket(url: string): Promise<Socket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const messages: Message[] = []
  socket.on('message', (data: Buffer) => {
    const received = messageSchema.parse(JSON.parse(data.toString()))
    messages.push(received)
    if (received.type === 'ping') socket.send('{"type":"pong"}')
  })
  let isOpen = true
  const closed = new Promise<Close>((resolve) => {
    socket.once('close', (code, reason) => {
      isOpen = false
      resolve({ code, reason: reason.toString() })
    })
  })

  async function message(type: string, id?: string): Promise<Message | null> {
    for (;;) {
      const found = messages.find((received) => received.type === type && received.id === id)
      if (found !== undefined) return found
      if (!isOpen) return null
      await Promise.race([once(socket, 'message'), closed])
    }
  }

  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  await message('connection_ack')
  return {
    subscribe: (id, query) => {
      socket.send(JSON.stringify({ type: 'subscribe', id, payload: { query } }))
    },
    message,
    messages,
    closed,
  }
}

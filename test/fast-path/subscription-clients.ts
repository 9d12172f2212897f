/** Clients for subscriptions over server-sent events and WebSockets, without a GraphQL library. */
import { type ClientRequest, request } from 'node:http'
import { onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import { openWebSocket } from '../kit/web-socket.ts'

/** A client of one event stream. */
export interface EventStreamClient {
  /** Results received so far, as JSON text. */
  readonly results: readonly string[]
  /** Null while the stream is open; otherwise the last event, or `cut` if the connection closed without it. */
  ended(): string | null
  disconnect(): void
}

/** Start of a result. Other events are heartbeats and completions. */
const NEXT = 'event: next\ndata: '

export function openEventStream(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): EventStreamClient & {
  readonly opened: Promise<readonly string[]>
  readonly sending: ClientRequest
} {
  const results: string[] = []
  let ended: string | null = null
  let opened: ((headers: readonly string[]) => void) | null = null
  const openedPromise = new Promise<readonly string[]>((resolve) => {
    opened = resolve
  })
  const sending = request(`${url}/graphql`, {
    method: 'POST',
    agent: false,
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...headers,
    },
  })
  sending.on('error', () => {
    ended ??= 'cut'
  })
  sending.on('response', (response) => {
    opened?.(
      Object.entries(response.headers)
        .filter(([name]) => name !== 'date' && name !== 'x-request-id')
        .map(([name, value]) => `${name}: ${String(value)}`)
        .toSorted(),
    )
    let unread = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const blocks = (unread + chunk).split('\n\n')
      unread = blocks.pop() ?? ''
      for (const block of blocks) {
        if (block.startsWith(NEXT)) results.push(block.slice(NEXT.length))
        else if (block !== ':' && block !== '') ended = block
      }
    })
    response.on('close', () => {
      ended ??= 'cut'
    })
    response.on('error', () => undefined)
  })
  sending.end(body)
  const disconnect = (): void => void sending.destroy()
  onTestFinished(disconnect)
  return { results, ended: () => ended, disconnect, opened: openedPromise, sending }
}

export interface SocketClient {
  /** Sends these messages without a pause. */
  send(...messages: readonly object[]): void
  /** Received messages except connection_ack, as text. */
  readonly messages: readonly string[]
  closed(): number | null
  readonly socket: WebSocket
}

/** Opens a graphql-transport-ws socket; resolves when the gateway has acknowledged it. */
export async function openSocket(
  url: string,
  token?: string,
  more: object = {},
): Promise<SocketClient> {
  const socket = await openWebSocket(url)
  const messages: string[] = []
  let code: number | null = null
  const acknowledged = new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const text = data.toString()
      if (text.startsWith('{"type":"connection_ack"')) resolve()
      else messages.push(text)
    })
    socket.on('error', reject)
    socket.on('close', (closedWith) => {
      code = closedWith
      reject(new Error(`closed with ${closedWith}`))
    })
  })
  const payload = {
    ...more,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  socket.send(JSON.stringify({ type: 'connection_init', payload }))
  await acknowledged
  return {
    send(...sent) {
      for (const message of sent) socket.send(JSON.stringify(message))
    },
    messages,
    closed: () => code,
    socket,
  }
}

/** Resolves in the first tick in which `isTrue` returns true; throws after `timeoutMs`. */
export async function until(
  condition: () => boolean,
  description = 'a condition',
  timeoutMs = 10_000,
): Promise<void> {
  const startedAt = performance.now()
  while (!condition()) {
    if (performance.now() - startedAt > timeoutMs)
      throw new Error(`Timed out waiting for ${description}.`)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** Waits for `count` ticks of the event loop. */
export async function ticks(count: number): Promise<void> {
  let left = count
  await until(() => {
    left -= 1
    return left < 0
  })
}

/** Watches by server-sent events and by sockets, with nothing in between that could be helpful. */
import { type ClientRequest, request } from 'node:http'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

/** One who watches. */
export interface Watching {
  /** The results so far, as JSON text. */
  readonly results: readonly string[]
  /** Null while it goes on; else how it ended. */
  ended(): string | null
  leave(): void
}

/** Other than results: pulses, which come by the clock, and ends. */
const NEXT = 'event: next\ndata: '

export function watchByEvents(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Watching & { readonly opened: Promise<readonly string[]>; readonly sending: ClientRequest } {
  const results: string[] = []
  let ended: string | null = null
  let opened: ((headers: readonly string[]) => void) | null = null
  const whenOpened = new Promise<readonly string[]>((resolve) => {
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
  const leave = (): void => void sending.destroy()
  onTestFinished(leave)
  return { results, ended: () => ended, leave, opened: whenOpened, sending }
}

export interface Line {
  /** Sends these messages in one go. */
  send(...messages: readonly object[]): void
  /** Each message that came, but for pings, as text. */
  readonly messages: readonly string[]
  closed(): number | null
  readonly socket: WebSocket
}

/** A socket of graphql-transport-ws, connected and acknowledged. */
export async function openLine(url: string, token?: string, more: object = {}): Promise<Line> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const messages: string[] = []
  let code: number | null = null
  onTestFinished(() => socket.terminate())
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
  socket.on('open', () => {
    const payload = {
      ...more,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    socket.send(JSON.stringify({ type: 'connection_init', payload }))
  })
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

export async function until(isTrue: () => boolean, what = 'it'): Promise<void> {
  const startedAt = performance.now()
  while (!isTrue()) {
    if (performance.now() - startedAt > 10_000) throw new Error(`${what} did not come about.`)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** So many turns of the event loop, in which whatever was to come has come. */
export async function turns(count: number): Promise<void> {
  let left = count
  await until(() => {
    left -= 1
    return left < 0
  })
}

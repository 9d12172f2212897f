/** An HTTP client with one keep-alive connection. */
import { Agent, type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** A response with its complete body. */
export interface HttpResponse {
  readonly status: number
  /** The `Connection` header: whether the client may send another request on this connection. */
  readonly connection: string | null
  readonly body: string
}

/** One connection to one gateway. */
export interface KeepAliveConnection {
  /** Sends a request; rejects when the connection is closed. */
  request(path: string, query?: string): Promise<HttpResponse>
  /** Sends a request and resolves with the response when its headers have arrived. */
  startRequest(path: string, query: string, accept: string): Promise<IncomingMessage>
  disconnect(): void
}

export function openConnection(url: string): KeepAliveConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })

  async function send(path: string, query?: string, accept = 'application/json') {
    const isQuery = query !== undefined
    const outgoing = request(`${url}${path}`, {
      agent,
      method: isQuery ? 'POST' : 'GET',
      headers: isQuery ? { accept, 'content-type': 'application/json' } : { accept },
    })
    outgoing.end(isQuery ? JSON.stringify({ query }) : undefined)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.once('error', reject)
    })
    return response
  }

  return {
    startRequest: send,
    async request(path, query) {
      const response = await send(path, query)
      return {
        status: response.statusCode ?? 0,
        connection: response.headers.connection ?? null,
        body: await text(response),
      }
    },
    disconnect: () => agent.destroy(),
  }
}

/** An SSE response as text. */
export interface EventStream {
  /** Resolves at the first event. */
  readonly firstEvent: Promise<unknown>
  /** Resolves with the complete text when the server closes the connection. */
  readonly fullText: Promise<string>
}

export async function openEvents(
  connection: KeepAliveConnection,
  subscription: string,
): Promise<EventStream> {
  const response = await connection.startRequest('/graphql', subscription, 'text/event-stream')
  response.setEncoding('utf8')
  let sent = ''
  const firstEvent = new Promise<void>((resolve) => {
    response.on('data', (chunk: string) => {
      sent += chunk
      if (sent.includes('event: next')) resolve()
    })
  })
  // The text counts whether the response was completed or cut off.
  const fullText = once(response, 'close').then(() => sent)
  return { firstEvent, fullText }
}

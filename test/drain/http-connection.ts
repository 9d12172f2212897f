/** One connection of a client, kept alive, with all that comes over it. */
import { Agent, type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  /** What the `connection` header says: whether the client may ask again over this connection. */
  readonly connection: string | null
  readonly body: string
}

/** A connection of its own to one gateway. */
export interface Line {
  /** Rejects where the connection is gone. */
  ask(path: string, query?: string): Promise<Answer>
  /** Begins to ask, and hands over the answer when its headers are there. */
  begin(path: string, query: string, accept: string): Promise<IncomingMessage>
  hangUp(): void
}

export function openLine(url: string): Line {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })

  async function send(path: string, query?: string, accept = 'application/json') {
    const isQuery = query !== undefined
    const asked = request(`${url}${path}`, {
      agent,
      method: isQuery ? 'POST' : 'GET',
      headers: isQuery ? { accept, 'content-type': 'application/json' } : { accept },
    })
    asked.end(isQuery ? JSON.stringify({ query }) : undefined)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve)
      asked.once('error', reject)
    })
    return response
  }

  return {
    begin: send,
    async ask(path, query) {
      const response = await send(path, query)
      return {
        status: response.statusCode ?? 0,
        connection: response.headers.connection ?? null,
        body: await text(response),
      }
    },
    hangUp: () => agent.destroy(),
  }
}

/** Server-sent events as they come over the wire. */
export interface Events {
  /** Resolves with the first event. */
  readonly first: Promise<unknown>
  /** Resolves with everything that was sent, when the server ends. */
  readonly all: Promise<string>
}

export async function openEvents(line: Line, subscription: string): Promise<Events> {
  const response = await line.begin('/graphql', subscription, 'text/event-stream')
  response.setEncoding('utf8')
  let sent = ''
  const first = new Promise<void>((resolve) => {
    response.on('data', (chunk: string) => {
      sent += chunk
      if (sent.includes('event: next')) resolve()
    })
  })
  // Cut off or ended: what came is what counts.
  const all = once(response, 'close').then(() => sent)
  return { first, all }
}

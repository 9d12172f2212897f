/** What is sent: bytes on a connection of their own or of others, or messages on a WebSocket. */

/** A line of a head, as it is sent. */
export type Header = readonly [name: string, value: string]

/** A request that is whole, however odd; answered, and the connection used again. */
export interface AskInput {
  readonly kind: 'ask'
  readonly bytes: Buffer
  readonly isHead: boolean
}

/** Bytes that may be no request at all, on a connection of their own. */
export interface RawInput {
  readonly kind: 'raw'
  readonly bytes: Buffer
  /** The connection is cut once they are sent. */
  readonly isCut: boolean
}

/** Requests whose connection is dropped as soon as the first response is there, or earlier. */
export interface DropInput {
  readonly kind: 'drop'
  readonly bytes: Buffer
  /** After how many milliseconds at most. */
  readonly afterMs: number
  /** False for a client that reads nothing of what it asked for. */
  readonly isRead: boolean
}

/** A WebSocket and what is said on it. */
export interface SocketInput {
  readonly kind: 'socket'
  readonly protocols: readonly string[]
  readonly origin: string | null
  readonly messages: readonly (string | Buffer)[]
  /** Waits for an answer to the first of them before it says the others. */
  readonly isPatient: boolean
  /** Said good-bye to properly, or just dropped. */
  readonly isClosed: boolean
}

export type Input = AskInput | RawInput | DropInput | SocketInput

export interface RequestDependencies {
  readonly method?: string
  readonly path: string
  readonly headers?: readonly Header[]
  readonly body?: string | Buffer | null
}

/** The bytes of a request whose length is right, whatever else is not. */
export function requestBytes({
  method = 'POST',
  path,
  headers = [],
  body = null,
}: RequestDependencies) {
  const content = typeof body === 'string' ? Buffer.from(body) : body
  const lines = headers.map(([name, value]) => `${name}: ${inOneLine(value)}`)
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) lines.unshift('Host: gateway.test')
  if (content !== null) lines.push(`Content-Length: ${content.length}`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return content === null ? head : Buffer.concat([head, content])
}

/** A request for a connection that others use too. */
export function ask(dependencies: RequestDependencies): AskInput {
  return { kind: 'ask', bytes: requestBytes(dependencies), isHead: dependencies.method === 'HEAD' }
}

/** Characters above 0xFF would become others in a head, a line feed among them. */
function inOneLine(value: string): string {
  return Buffer.from(value, 'utf8')
    .toString('latin1')
    .replaceAll(/[\r\n\0]/g, ' ')
}

/** Types of inputs: bytes on a shared or own connection, or messages on a WebSocket. */

/** A header line as it is sent. */
export type Header = readonly [name: string, value: string]

/** A complete request on a keep-alive connection. */
export interface RequestInput {
  readonly kind: 'request'
  readonly bytes: Buffer
  readonly isHead: boolean
}

/** Arbitrary bytes on their own connection. */
export interface RawInput {
  readonly kind: 'raw'
  readonly bytes: Buffer
  /** Whether the connection is dropped after the bytes are sent. */
  readonly isCut: boolean
}

/** Requests whose connection is dropped after the first response or `afterMs`. */
export interface DropInput {
  readonly kind: 'drop'
  readonly bytes: Buffer
  /** Maximum milliseconds before the connection is dropped. */
  readonly afterMs: number
  /** False for a client that does not read the responses. */
  readonly isRead: boolean
}

/** A WebSocket and the messages sent on it. */
export interface SocketInput {
  readonly kind: 'socket'
  readonly protocols: readonly string[]
  readonly origin: string | null
  readonly messages: readonly (string | Buffer)[]
  /** Whether the client waits for a message after the first one before it sends the others. */
  readonly waitsForReply: boolean
  /** Whether the client closes the socket with a close frame. */
  readonly isClosed: boolean
}

export type Input = RequestInput | RawInput | DropInput | SocketInput

export interface RequestOptions {
  readonly method?: string
  readonly path: string
  readonly headers?: readonly Header[]
  readonly body?: string | Buffer | null
}

/** Returns the bytes of a request with a correct Content-Length. */
export function requestBytes({ method = 'POST', path, headers = [], body = null }: RequestOptions) {
  const content = typeof body === 'string' ? Buffer.from(body) : body
  const lines = headers.map(([name, value]) => `${name}: ${headerValue(value)}`)
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) lines.unshift('Host: gateway.test')
  if (content !== null) lines.push(`Content-Length: ${content.length}`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return content === null ? head : Buffer.concat([head, content])
}

/** Creates an input for a keep-alive connection. */
export function requestInput(options: RequestOptions): RequestInput {
  return { kind: 'request', bytes: requestBytes(options), isHead: options.method === 'HEAD' }
}

/** Encodes as UTF-8: in latin1, characters above 0xFF would become others, such as a line feed. */
function headerValue(value: string): string {
  return Buffer.from(value, 'utf8')
    .toString('latin1')
    .replaceAll(/[\r\n\0]/g, ' ')
}

/** Requests that fetch cannot send: slow bodies, broken connections, bytes that are not HTTP. */
import { request as sendRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'

/** A request whose body the test writes. */
export interface OpenRequest {
  readonly request: ClientRequest
  /** Rejects if the connection ends without a response. */
  readonly response: Promise<RawResponse>
}

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export function openRequest(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>> = {},
): OpenRequest {
  const request = sendRequest(url, { method, headers, agent: false })
  const response = new Promise<RawResponse>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (incoming) => {
      let body = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (text: string) => {
        body += text
      })
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
      )
      incoming.on('error', reject)
    })
  })
  // Tests that disconnect on purpose do not await the response.
  response.catch(() => undefined)
  request.flushHeaders()
  return { request, response }
}

/** Resolves when the bytes are handed to the operating system. */
export function writeBytes(request: ClientRequest, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    request.write(bytes, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}

/** Writes text to a new connection; resolves to all text received until the connection closes. */
export function sendRawText(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let received = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      received += chunk
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

/** Polls until the condition holds, for changes that emit no event. */
export async function pollUntil(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

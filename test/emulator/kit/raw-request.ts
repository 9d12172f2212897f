/** Requests below fetch: slow bodies, broken lines, bytes that are no HTTP. */
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'

/** A request whose body is written by hand. */
export interface OpenRequest {
  readonly line: ClientRequest
  /** The answer; rejects where the connection is cut without one. */
  readonly answer: Promise<RawAnswer>
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export function openRequest(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>> = {},
): OpenRequest {
  const line = request(url, { method, headers, agent: false })
  const answer = new Promise<RawAnswer>((resolve, reject) => {
    line.on('error', reject)
    line.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      )
      response.on('error', reject)
    })
  })
  // Tests that hang up on purpose do not look at the answer.
  answer.catch(() => undefined)
  line.flushHeaders()
  return { line, answer }
}

/** Resolves when the bytes are handed to the system. */
export function send(line: ClientRequest, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    line.write(bytes, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}

/** Writes text into a connection; resolves to all that comes back until it ends. */
export function talk(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let heard = ''
    socket.setEncoding('utf8')
    socket.on('data', (piece: string) => {
      heard += piece
    })
    socket.on('close', () => resolve(heard))
    socket.on('error', reject)
  })
}

/** Asks again and again until it holds; for what no event tells of. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** Sends one POST as it is, and keeps all of its answer that could differ. */
import { Agent, request } from 'node:http'

export interface Sent {
  readonly status: number
  /** Names and values as they came, sorted, without the date and the request's id. */
  readonly headers: readonly string[]
  readonly text: string
  readonly requestId: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })

export function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body)
    const sending = request(`${url}/graphql`, {
      method: 'POST',
      agent,
      headers: { 'content-length': bytes.length, 'content-type': 'application/json', ...headers },
    })
    sending.on('error', reject)
    sending.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.entries(response.headers)
            .filter(([name]) => name !== 'date' && name !== 'x-request-id')
            .map(([name, value]) => `${name}: ${String(value)}`)
            .toSorted(),
          text: Buffer.concat(chunks).toString(),
          requestId: String(response.headers['x-request-id']),
        })
      })
    })
    sending.end(bytes)
  })
}

/** The same, with each request's own id taken out, so that answers to several can be equal. */
export function comparable({ status, headers, text, requestId }: Sent): object {
  return { status, headers, text: text.replaceAll(requestId, '<its id>') }
}

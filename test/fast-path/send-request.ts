/** Sends a POST request and returns its response for comparisons. */
import { Agent, request } from 'node:http'

export interface TestResponse {
  readonly status: number
  /** `name: value`, sorted, without `date` and `x-request-id`. */
  readonly headers: readonly string[]
  readonly text: string
  readonly requestId: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })

export function sendRequest(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): Promise<TestResponse> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body)
    const outgoing = request(`${url}/graphql`, {
      method: 'POST',
      agent,
      headers: { 'content-length': bytes.length, 'content-type': 'application/json', ...headers },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
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
    outgoing.end(bytes)
  })
}

/**
 * Returns the response without its request id, so that responses to different requests can be equal. The id
 * becomes longer with the number of requests, and with it the content.
 */
export function comparable({ status, headers, text, requestId }: TestResponse): object {
  const comparedText = text.replaceAll(requestId, '<request id>')
  return {
    status,
    headers: headers.map((header) => (header === lengthOf(text) ? lengthOf(comparedText) : header)),
    text: comparedText,
  }
}

function lengthOf(text: string): string {
  return `content-length: ${Buffer.byteLength(text)}`
}

/** Sends requests to a gateway's endpoints and records every response in a transcript. */
import type { Secret } from './search.ts'
import type { Transcript } from './transcript.ts'

/** A request; `name` identifies it in the transcript. */
export interface NamedRequest {
  readonly name: string
  /** Path and query. */
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Secrets that the request contains or that its sender may read. */
  readonly own?: readonly Secret[]
  /** For a response that does not end: the body is read up to this match. */
  readonly until?: RegExp
}

/** A response whose body was read. */
export interface ReceivedResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

const TIMEOUT_MS = 8000

/** A client of one gateway, which records every response in the transcript. */
export interface RecordingClient {
  readonly url: string
  readonly transcript: Transcript
  send(request: NamedRequest): Promise<ReceivedResponse>
  /** Sends the requests one after the other; returns "name: status" of each. */
  sendAll(requests: readonly NamedRequest[]): Promise<readonly string[]>
}

/** `url` is the base URL of the gateway. */
export function createRecordingClient(url: string, transcript: Transcript): RecordingClient {
  async function send({
    name,
    path,
    own = [],
    until,
    ...init
  }: NamedRequest): Promise<ReceivedResponse> {
    const response = await fetch(`${url}${path}`, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const body = await readBody(response, until)
    const { status, headers } = response
    transcript.record(`${name}: ${status}`, `${JSON.stringify([...headers])}\n${body}`, own)
    return { status, headers, body }
  }
  return {
    url,
    transcript,
    send,
    async sendAll(requests) {
      const results: string[] = []
      for (const request of requests) {
        const { status } = await send(request)
        results.push(`${request.name}: ${status}`)
      }
      return results
    },
  }
}

async function readBody(response: Response, until: RegExp | undefined): Promise<string> {
  if (until === undefined || response.body === null) return response.text()
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (!until.test(text)) {
    const { done, value } = await reader.read()
    if (done) return text
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return text
}

/** A GraphQL request: POST with a JSON body. */
export function graphqlRequest(
  name: string,
  token: string | null,
  query: string,
  variables: object = {},
): NamedRequest {
  return {
    name,
    path: '/graphql',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  }
}

/** A GraphQL subscription over server-sent events. */
export function sseRequest(
  name: string,
  token: string | null,
  query: string,
  variables: object = {},
): NamedRequest {
  const request = graphqlRequest(name, token, query, variables)
  return { ...request, headers: { ...request.headers, accept: 'text/event-stream' } }
}

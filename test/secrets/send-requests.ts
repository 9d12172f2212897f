/** Sends requests to a gateway's doors, and writes down all that each answered. */
import type { Secret } from './search.ts'
import type { Transcript } from './transcript.ts'

/** One request. */
export interface Knock {
  readonly name: string
  /** Path and query. */
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Secrets that the sender has put into the request itself, or is entitled to read. */
  readonly own?: readonly Secret[]
  /** For an answer that does not end: what to read up to. */
  readonly until?: RegExp
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

const BACKOFF_MS = 8000

/** A way to one gateway, whose answers are all in the transcript. */
export interface Endpoint {
  readonly url: string
  readonly transcript: Transcript
  knock(request: Knock): Promise<Answer>
  /** Each in turn; what came is told as "name: status". */
  knockAll(requests: readonly Knock[]): Promise<readonly string[]>
}

/** For a gateway that listens there. */
export function endpointTo(url: string, transcript: Transcript): Endpoint {
  async function knock({ name, path, own = [], until, ...init }: Knock): Promise<Answer> {
    const response = await fetch(`${url}${path}`, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(BACKOFF_MS),
    })
    const body = await readBody(response, until)
    const { status, headers } = response
    transcript.note(`${name}: ${status}`, `${JSON.stringify([...headers])}\n${body}`, own)
    return { status, headers, body }
  }
  return {
    url,
    transcript,
    knock,
    async knockAll(requests) {
      const seen: string[] = []
      for (const request of requests) {
        const { status } = await knock(request)
        seen.push(`${request.name}: ${status}`)
      }
      return seen
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

/** A POST of JSON to GraphQL. */
export function graphqlKnock(
  name: string,
  token: string | null,
  query: string,
  variables: object = {},
): Knock {
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

/** The same for a subscription over server-sent events. */
export function eventsKnock(
  name: string,
  token: string | null,
  query: string,
  variables: object = {},
): Knock {
  const knock = graphqlKnock(name, token, query, variables)
  return { ...knock, headers: { ...knock.headers, accept: 'text/event-stream' } }
}

/** Opens one GraphQL subscription over server-sent events. */
import type { ClientClock } from '../clock.ts'
import { isTemporaryStatus } from '../retry.ts'
import type { Shape } from '../shape.ts'
import {
  type GatewayEndpoint,
  type GraphQLRequest,
  outcomeFrom,
  sendRequest,
  unexpectedStatusMessage,
} from './request.ts'
import { gatewayError, invalidResponse } from './response-errors.ts'
import { readServerSentEvents } from './server-sent-events.ts'

/**
 * Yields the document's `outcome` field of every result, in the distinct connections mode of
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
 * Ends when the gateway completes the subscription or the connection ends.
 * @throws UploadError if the gateway rejects the subscription or the connection breaks
 */
export async function* subscribe<T>(
  endpoint: GatewayEndpoint & { readonly clock: ClientClock },
  request: GraphQLRequest,
  shape: Shape<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void> {
  const response = await sendRequest(endpoint, request, 'text/event-stream', signal)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (!isStream || response.body === null) {
    // Rejected before the stream started: the errors are in a plain JSON response.
    outcomeFrom(await readJson(response), request)
    throw invalidResponse('the event stream')
  }
  for await (const { event, data } of readServerSentEvents(response.body, endpoint.clock)) {
    if (event === 'complete') return
    if (event !== 'next') continue
    const outcome = outcomeFrom(parse(data), request)
    if (!shape.is(outcome)) throw invalidResponse('an event')
    yield outcome
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    throw gatewayError(unexpectedStatusMessage(response), isTemporaryStatus(response.status))
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw invalidResponse('an event')
  }
}

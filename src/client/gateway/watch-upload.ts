/** Watches one upload to a terminal status, over as many connections as needed. */
import {
  type GatewayEndpoint,
  sendRequest,
  networkError,
  outcomeFrom,
  unexpectedStatusMessage,
} from './request.ts'
import { WATCH, watchedUpload } from './operations.ts'
import { readServerSentEvents } from './server-sent-events.ts'
import { gatewayError, invalidResponse } from './response-errors.ts'
import { isTerminal } from '../ready-upload.ts'
import { type RetryPolicy, isTemporaryStatus, waitBeforeRetry } from '../retry.ts'
import type { Upload } from './upload.ts'

/**
 * Yields the current upload and then each change, once and in order of `version`, up to a terminal
 * status. It reconnects after a connection that breaks or ends early.
 * @throws UploadError if the upload does not exist, or all consecutive retries failed
 */
export async function* watchUpload(
  dependencies: GatewayEndpoint & RetryPolicy,
  uid: string,
  signal?: AbortSignal,
): AsyncGenerator<Upload, void> {
  let version = -1
  let failures = 0
  for (;;) {
    try {
      for await (const upload of subscribe(dependencies, uid, signal)) {
        failures = 0
        if (upload.version <= version) continue
        version = upload.version
        yield upload
        if (isTerminal(upload)) return
      }
      // Completed before a terminal status: token expired, gateway shut down, or proxy timeout.
      throw networkError()
    } catch (error) {
      await waitBeforeRetry(dependencies, signal, error, failures)
      failures += 1
    }
  }
}

/**
 * Opens one subscription in the distinct connections mode of
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
 */
async function* subscribe(
  dependencies: GatewayEndpoint & RetryPolicy,
  uid: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Upload> {
  const request = { query: WATCH, variables: { uid } }
  const response = await sendRequest(dependencies, request, 'text/event-stream', signal)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (!isStream || response.body === null) {
    // Rejected before the stream started: the errors are in a plain JSON response.
    outcomeFrom(await readJson(response), request)
    throw invalidResponse('the event stream')
  }
  for await (const { event, data } of readServerSentEvents(response.body, dependencies.clock)) {
    if (event === 'complete') return
    if (event !== 'next') continue
    const outcome = outcomeFrom(parse(data), request)
    if (!watchedUpload.is(outcome)) throw invalidResponse('a watched upload')
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

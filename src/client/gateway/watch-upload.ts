/** Watches one upload to its end, over as many connections as it takes. */
import { type GatewayDoor, knock, lost, outcomeOf, statusSentence } from './request.ts'
import { WATCH, watched } from './operations.ts'
import { readEvents } from './server-sent-events.ts'
import { gatewayFailed, unreadable } from './response-errors.ts'
import { type Patience, waitAfter } from '../retry.ts'
import { type Upload, isTerminal } from './upload.ts'

/**
 * The upload as it stands now, then each change, once and in order of `version`, to a terminal
 * status. A connection that breaks or ends early is made again, and goes on from there.
 * @throws UploadError where there is none, or the gateway cannot be reached for good
 */
export async function* watchUpload(
  parts: GatewayDoor & Patience,
  uid: string,
  signal?: AbortSignal,
): AsyncGenerator<Upload, void> {
  let version = -1
  let failures = 0
  for (;;) {
    try {
      for await (const upload of subscribe(parts, uid, signal)) {
        failures = 0
        if (upload.version <= version) continue
        version = upload.version
        yield upload
        if (isTerminal(upload)) return
      }
      // Complete without an end: the token lapsed, the gateway stops, or a proxy had enough.
      throw lost()
    } catch (error) {
      await waitAfter(parts, signal, error, failures)
      failures += 1
    }
  }
}

/**
 * One subscription, in the distinct connections mode of
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
 */
async function* subscribe(
  parts: GatewayDoor & Patience,
  uid: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Upload> {
  const question = { query: WATCH, variables: { uid } }
  const response = await knock(parts, question, 'text/event-stream', signal)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (!isStream || response.body === null) {
    // Refused before it began: the errors stand in a plain answer.
    outcomeOf(await readJson(response), question)
    throw unreadable('its stream of events')
  }
  for await (const { event, data } of readEvents(response.body, parts.clock)) {
    if (event === 'complete') return
    if (event !== 'next') continue
    const outcome = outcomeOf(parse(data), question)
    if (!watched.is(outcome)) throw unreadable('a watched upload')
    yield outcome
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    throw gatewayFailed(statusSentence(response), response.status >= 500)
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    throw unreadable('an event')
  }
}

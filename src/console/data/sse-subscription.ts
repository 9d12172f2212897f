/** One GraphQL subscription over server-sent events, with reconnect. */
import { type GatewayEndpoint, sendRequest } from '../../client/gateway/request.ts'
import { systemClock } from '../../client/clock.ts'
import { readServerSentEvents } from '../../client/gateway/server-sent-events.ts'
import { isObject } from '../../client/shape.ts'

/** Minimum and maximum backoff in milliseconds; it doubles while connections fail early. */
const MIN_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 15_000
/** A page hidden for this long disconnects: a browser allows six connections for all of its tabs. */
const HIDDEN_MS = 30_000

export interface Subscription {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

export interface SubscriptionHandlers {
  /** A connection is open. Read the data again, since earlier changes were not received. */
  readonly onOpen: () => void
  readonly onLost: () => void
  readonly onResult: (result: Readonly<Record<string, unknown>>) => void
}

/** Receives results until the signal aborts. */
export async function subscribeOverSSE(
  endpoint: GatewayEndpoint,
  subscription: Subscription,
  listener: SubscriptionHandlers,
  signal: AbortSignal,
): Promise<void> {
  let backoffMs = MIN_BACKOFF_MS
  while (!signal.aborted) {
    await untilVisible(signal)
    const openedAt = Date.now()
    const connection = abortedWith(signal)
    const stopWatching = whenHidden(() => connection.abort())
    try {
      await openConnection(endpoint, subscription, listener, connection.signal)
    } catch {
      // Every error is retried; until then, the page shows that it is not live.
    } finally {
      stopWatching()
      connection.abort()
    }
    if (signal.aborted) return
    listener.onLost()
    backoffMs = Date.now() - openedAt > MAX_BACKOFF_MS ? MIN_BACKOFF_MS : backoffMs
    await systemClock.wait(backoffMs, signal)
    backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2)
  }
}

async function openConnection(
  endpoint: GatewayEndpoint,
  { query, variables }: Subscription,
  listener: SubscriptionHandlers,
  signal: AbortSignal,
): Promise<void> {
  const response = await sendRequest(endpoint, { query, variables }, 'text/event-stream', signal)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (!isStream || response.body === null) return
  listener.onOpen()
  for await (const { event, data } of readServerSentEvents(response.body, systemClock)) {
    if (event === 'complete') return
    const result: unknown = event === 'next' ? JSON.parse(data) : null
    if (isObject(result)) listener.onResult(result)
  }
}

function abortedWith(signal: AbortSignal): AbortController {
  const controller = new AbortController()
  signal.addEventListener('abort', () => controller.abort(), { signal: controller.signal })
  return controller
}

/** Calls back once the page was hidden for HIDDEN_MS; returns a function that stops the check. */
function whenHidden(callback: () => void): () => void {
  const stopped = new AbortController()
  const watch = async (): Promise<void> => {
    if (document.visibilityState !== 'hidden') return
    await systemClock.wait(HIDDEN_MS, stopped.signal)
    if (!stopped.signal.aborted && document.visibilityState === 'hidden') callback()
  }
  document.addEventListener('visibilitychange', () => void watch(), { signal: stopped.signal })
  return () => stopped.abort()
}

function untilVisible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (document.visibilityState === 'hidden' && !signal.aborted) return
      document.removeEventListener('visibilitychange', check)
      resolve()
    }
    document.addEventListener('visibilitychange', check)
    signal.addEventListener('abort', check, { once: true })
    check()
  })
}

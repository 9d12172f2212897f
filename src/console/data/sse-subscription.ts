/** One subscription over server-sent events, over as many connections as it takes. */
import { type GatewayDoor, knock } from '../../client/gateway/request.ts'
import { realClock } from '../../client/clock.ts'
import { readEvents } from '../../client/gateway/server-sent-events.ts'
import { isObject } from '../../client/shape.ts'

/** Milliseconds between two connections: one that breaks at once waits longer each time. */
const SHORTEST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000
/** A page that nobody looks at gives its connection up: a browser has six for all of its tabs. */
const HIDDEN_MS = 30_000

export interface Subscription {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

export interface Listener {
  /** A connection stands; whatever changed before it is to be read. */
  readonly onOpen: () => void
  readonly onLost: () => void
  readonly onResult: (result: Readonly<Record<string, unknown>>) => void
}

/** Listens until the signal aborts. */
export async function listenForChanges(
  door: GatewayDoor,
  subscription: Subscription,
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  let pause = SHORTEST_PAUSE_MS
  while (!signal.aborted) {
    await untilVisible(signal)
    const openedAt = Date.now()
    const connection = abortedWith(signal)
    const stopWatching = whenHidden(() => connection.abort())
    try {
      await listenOnce(door, subscription, listener, connection.signal)
    } catch {
      // Whatever it was, it is tried again: the page says that it is not live meanwhile.
    } finally {
      stopWatching()
      connection.abort()
    }
    if (signal.aborted) return
    listener.onLost()
    pause = Date.now() - openedAt > LONGEST_PAUSE_MS ? SHORTEST_PAUSE_MS : pause
    await realClock.wait(pause, signal)
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2)
  }
}

async function listenOnce(
  door: GatewayDoor,
  { query, variables }: Subscription,
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  const response = await knock(door, { query, variables }, 'text/event-stream', signal)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (!isStream || response.body === null) return
  listener.onOpen()
  for await (const { event, data } of readEvents(response.body, realClock)) {
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

/** Calls back where the page has been out of sight for a while; returns how to stop. */
function whenHidden(callback: () => void): () => void {
  const over = new AbortController()
  const watch = async (): Promise<void> => {
    if (document.visibilityState !== 'hidden') return
    await realClock.wait(HIDDEN_MS, over.signal)
    if (!over.signal.aborted && document.visibilityState === 'hidden') callback()
  }
  document.addEventListener('visibilitychange', () => void watch(), { signal: over.signal })
  return () => over.abort()
}

function untilVisible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (document.visibilityState === 'hidden' && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look, { once: true })
    look()
  })
}

/** Tells SSE clients to reconnect after an interruption: a token's expiry, a shutdown, a client that reads too slowly. */

/** Milliseconds before a client reconnects. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
const RECONNECT_DELAY_MS = 1000

/**
 * SSE `retry` field and comment, sent instead of `complete`. Clients reconnect after a stream that ends without
 * `complete`, with a new token if they request one for each connection.
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
 */
export const SSE_RECONNECT = `retry: ${RECONNECT_DELAY_MS}\n: interrupted, reconnect\n\n`

const COMPLETE = 'event: complete'

/**
 * Returns the same stream, with SSE_RECONNECT instead of `complete` if the subscription was interrupted.
 * @param disconnected aborted on a disconnect of the client, where not every host cancels the response body
 */
export function withReconnect(
  events: ReadableStream<Uint8Array>,
  isInterrupted: () => boolean,
  disconnected: AbortSignal,
): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  const reader = events.getReader()
  // For Yoga's streams, `reader.cancel` waits for the next event. For a native stream, only the reader
  // can cancel, because the stream is locked.
  const cancel = async (): Promise<void> => {
    await Promise.allSettled([events.cancel(), reader.cancel()])
  }
  disconnected.addEventListener('abort', () => void cancel(), { once: true })
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) {
          controller.close()
          return
        }
        // Yoga enqueues each event as its own chunk, including `complete`, and closes its stream after it.
        if (!isInterrupted() || !decoder.decode(value).startsWith(COMPLETE)) {
          controller.enqueue(value)
          return
        }
        controller.enqueue(encoder.encode(SSE_RECONNECT))
        controller.close()
        await cancel()
      },
      cancel,
    },
    // Reads nothing in advance: what waits here is not counted as unread.
    { highWaterMark: 0 },
  )
}

/** Tells SSE clients when to reconnect after a gateway shutdown. */

/** Milliseconds before a client reconnects. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
const RECONNECT_DELAY_MS = 1000

/** SSE `retry` field and comment, sent before a stream ends because of a shutdown. */
export const SSE_RETRY = `retry: ${RECONNECT_DELAY_MS}\n: the gateway restarts, reconnect\n\n`

const COMPLETE = 'event: complete'

/**
 * Returns the same stream with SSE_RETRY before the `complete` event if the gateway is shutting down.
 * @param disconnected aborted on a disconnect of the client, where not every host cancels the response body
 */
export function withRetryOnShutdown(
  events: ReadableStream<Uint8Array>,
  closing: AbortSignal,
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
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) {
        controller.close()
        return
      }
      // Yoga enqueues each event as its own chunk, including `complete`.
      const isLast = closing.aborted && decoder.decode(value).startsWith(COMPLETE)
      if (isLast) controller.enqueue(encoder.encode(SSE_RETRY))
      controller.enqueue(value)
    },
    cancel,
  })
}

/** The word to come back, for whoever reads events when the gateway stops. */

/** Milliseconds after which a client is to come back. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
const COME_BACK_MS = 1000

/** A field and a comment: what stands before the end of a stream that ends because the gateway does. */
export const COME_BACK = `retry: ${COME_BACK_MS}\n: the gateway restarts: come back\n\n`

const COMPLETE = 'event: complete'

/**
 * The same stream, which says so before its last event where it ends because the gateway stops.
 * @param gone given when whoever reads it goes away: not every host cancels what nobody reads
 */
export function withWordToComeBack(
  events: ReadableStream<Uint8Array>,
  closing: AbortSignal,
  gone: AbortSignal,
): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  const reader = events.getReader()
  // A reader of Yoga's streams waits for the next event before it cancels; of a native stream only the
  // reader can cancel.
  const cancel = async (): Promise<void> => {
    await Promise.allSettled([events.cancel(), reader.cancel()])
  }
  gone.addEventListener('abort', () => void cancel(), { once: true })
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) {
        controller.close()
        return
      }
      // Yoga hands events over one by one, and the last one as what it is.
      const isLast = closing.aborted && decoder.decode(value).startsWith(COMPLETE)
      if (isLast) controller.enqueue(encoder.encode(COME_BACK))
      controller.enqueue(value)
    },
    cancel,
  })
}

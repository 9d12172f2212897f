/** Reads server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
import { networkError } from './request.ts'
import type { ClientClock } from '../clock.ts'

/** One event; `event` defaults to `message`. */
export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/**
 * Milliseconds without data after which a connection counts as dead, as after a network change on a
 * phone. The gateway sends a comment every 12 seconds.
 */
const IDLE_TIMEOUT_MS = 45_000

/** Yields every event of the body; ends early after the idle timeout. */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
  clock: ClientClock,
): AsyncGenerator<ServerEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let unread = ''
  try {
    for (;;) {
      const value = await readWithin(reader, clock)
      if (value === null) return
      unread += decoder.decode(value, { stream: true })
      const blocks = unread.split(/\r?\n\r?\n/)
      unread = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = parseEvent(block)
        if (event !== null) yield event
      }
    }
  } finally {
    // Closes the connection when the consumer stops early; has no effect on a broken one.
    reader.cancel().catch(() => {})
  }
}

/** Returns the next bytes; null at the end of the body and after the idle timeout. */
async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  clock: ClientClock,
): Promise<Uint8Array | null> {
  const received = new AbortController()
  try {
    const idle = clock.wait(IDLE_TIMEOUT_MS, received.signal).then(() => null)
    const result = await Promise.race([reader.read(), idle])
    return result?.value ?? null
  } catch {
    // The error of a broken body differs by platform.
    throw networkError()
  } finally {
    received.abort()
  }
}

/** Returns null for a comment. */
function parseEvent(block: string): ServerEvent | null {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }
  return event === 'message' && data.length === 0 ? null : { event, data: data.join('\n') }
}

/** Reads server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
import { lost } from './request.ts'
import type { ClientClock } from '../clock.ts'

/** One event: `event` is `message` where the server names none. */
export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/**
 * The gateway sends a comment every 12 seconds, so that a connection that says nothing for so many
 * milliseconds is dead: a phone that changed networks would wait for ever.
 */
const SILENCE_MS = 45_000

/** Every event to the end of the body; ends early where the connection falls silent. */
export async function* readEvents(
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
    // Whoever stops listening must not keep the connection open; one that broke is closed already.
    reader.cancel().catch(() => {})
  }
}

/** The next bytes; null at the end and after the silence. */
async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  clock: ClientClock,
): Promise<Uint8Array | null> {
  const heard = new AbortController()
  try {
    const silence = clock.wait(SILENCE_MS, heard.signal).then(() => null)
    const result = await Promise.race([reader.read(), silence])
    return result?.value ?? null
  } catch {
    // Each platform throws what it likes where a body breaks off.
    throw lost()
  } finally {
    heard.abort()
  }
}

/** Null for a comment. */
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

/** Sends a Fetch API `Response` as a Node response. */
import type { ServerResponse } from 'node:http'
import { endResponse } from './end-response.ts'

export interface SendResponseOptions {
  /** Called with the bytes of each write. */
  readonly onWritten: (bytes: number) => void
  /** Resolves when the next chunk of an event stream may be read: reading executes the event. */
  readonly nextTurn: () => Promise<void>
}

/**
 * Resolves when the whole response was handed to Node, or its connection closed. A closed connection
 * cancels the body immediately, without waiting for its next chunk. Rejects if the body fails.
 */
export async function sendResponse(
  res: ServerResponse,
  response: Response,
  { onWritten, nextTurn }: SendResponseOptions,
): Promise<void> {
  const { status, headers, body } = response
  if (res.destroyed) {
    await body?.cancel()
    return
  }
  // Yoga's event streams set `connection: keep-alive`, also where the client has asked to close.
  headers.delete('connection')
  const list = [...headers].flat()
  if (body === null) {
    res.writeHead(status, list)
    endResponse(res)
  } else if (isSentInChunks(headers)) {
    res.writeHead(status, list)
    const next = isEventStream(headers) ? nextTurn : () => Promise.resolve()
    await sendChunks(res, body, { onWritten, nextTurn: next })
  } else {
    const bytes = Buffer.from(await response.arrayBuffer())
    if (!res.destroyed) {
      res.writeHead(status, [...list, 'content-length', String(bytes.length)])
      endResponse(res, bytes)
      onWritten(bytes.length)
    }
  }
}

/** Whether a body is sent in chunks: event streams and files of known length. Other bodies are short. */
function isSentInChunks(headers: Headers): boolean {
  return isEventStream(headers) || headers.has('transfer-encoding') || headers.has('content-length')
}

export function isEventStream(headers: Headers): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true
}

async function sendChunks(
  res: ServerResponse,
  body: ReadableStream<Uint8Array>,
  { onWritten, nextTurn }: SendResponseOptions,
): Promise<void> {
  const reader = body.getReader()
  res.once('close', () => {
    if (!res.writableFinished) reader.cancel().catch(() => undefined)
  })
  for (;;) {
    const { done, value } = await reader.read()
    if (res.destroyed) return
    if (done) break
    const isWritable = res.write(value)
    onWritten(value.length)
    if (!isWritable) await drainedOrClosed(res)
    await nextTurn()
  }
  endResponse(res)
}

function drainedOrClosed(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function finish(): void {
      res.off('drain', finish)
      res.off('close', finish)
      resolve()
    }
    res.once('drain', finish)
    res.once('close', finish)
  })
}

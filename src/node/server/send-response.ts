/** Sends a Fetch API `Response` as a Node response. */
import type { ServerResponse } from 'node:http'
import { endResponse } from './end-response.ts'

/**
 * Resolves when the whole response was handed to Node, or its connection closed. A closed connection
 * cancels the body immediately, without waiting for its next chunk. Rejects if the body fails.
 * @param onWritten called with the bytes of each write
 */
export async function sendResponse(
  res: ServerResponse,
  response: Response,
  onWritten: (bytes: number) => void,
): Promise<void> {
  const { status, headers, body } = response
  if (res.destroyed) {
    await body?.cancel()
    return
  }
  const list = [...headers].flat()
  if (body === null) {
    res.writeHead(status, list)
    endResponse(res)
  } else if (isSentInChunks(headers)) {
    res.writeHead(status, list)
    await sendChunks(res, body, onWritten)
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
  onWritten: (bytes: number) => void,
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

/** Writes server-sent events to Node responses. All subscribers of an event share one buffer. */
import type { ServerResponse } from 'node:http'
import { SSE_RECONNECT } from '../../http/graphql/sse-reconnect.ts'
import type { SerializedResult } from '../../http/graphql/fast-path/fallback-executor.ts'
import type { EventSink } from '../../http/graphql/fast-path/subscriptions/subscriber.ts'

/** Milliseconds between two comments that keep an idle stream open through proxies. */
const HEARTBEAT_MS = 12_000

const HEARTBEAT_COMMENT = Buffer.from(':\n\n')
const COMPLETE = 'event: complete\ndata:\n\n'

/** Cached bytes of each event. */
const bytes = new WeakMap<SerializedResult, Buffer>()

/**
 * Returns the bytes of an event, serialized once for all subscribers.
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
 */
function bytesOf(event: SerializedResult): Buffer {
  const cached = bytes.get(event)
  if (cached !== undefined) return cached
  const buffer = Buffer.from(`event: next\ndata: ${event.text}\n\n`)
  bytes.set(event, buffer)
  return buffer
}

/** Calls `beat` at each heartbeat. Returns a function that stops it. */
export type Heartbeat = (beat: () => void) => () => void

function byTimer(beat: () => void): () => void {
  const timer = setInterval(beat, HEARTBEAT_MS)
  return () => clearInterval(timer)
}

/** All open event streams; they share one heartbeat. */
export interface SseStreams {
  /**
   * `open` starts the response; `send` and `end` start it too if necessary.
   * @param nextTurn resolves when an event that has waited may be executed
   */
  sink(
    response: ServerResponse,
    headers: readonly string[],
    nextTurn: () => Promise<void>,
  ): EventSink & { open(): void }
}

export interface SseStreamsOptions {
  /** Replaced in tests, which trigger heartbeats themselves. */
  readonly heartbeat?: Heartbeat
  /** Called with the bytes of each event that was written. */
  readonly onWritten: (bytes: number) => void
}

export function createSseStreams({
  heartbeat = byTimer,
  onWritten,
}: SseStreamsOptions): SseStreams {
  const open = new Set<ServerResponse>()
  let stopHeartbeat: (() => void) | null = null

  function beat(): void {
    // A response with unread data needs no heartbeat.
    for (const response of open) if (!response.writableNeedDrain) response.write(HEARTBEAT_COMMENT)
  }

  function add(response: ServerResponse): void {
    open.add(response)
    stopHeartbeat ??= heartbeat(beat)
    response.once('close', () => remove(response))
  }

  function remove(response: ServerResponse): void {
    open.delete(response)
    if (open.size > 0) return
    stopHeartbeat?.()
    stopHeartbeat = null
  }

  return {
    sink(response, headers, nextTurn) {
      function start(): void {
        if (response.headersSent || response.destroyed) return
        response.writeHead(200, [...headers])
        // Some browsers do not expose a response before its first bytes.
        response.write(HEARTBEAT_COMMENT)
        add(response)
      }
      return {
        open: start,
        isWritable: () => !response.writableNeedDrain,
        send(event) {
          start()
          if (response.destroyed) return
          const serialized = bytesOf(event)
          response.write(serialized)
          onWritten(serialized.length)
        },
        wait(resume) {
          const execute = (): void => void nextTurn().then(resume)
          if (response.writableNeedDrain) response.once('drain', execute)
          else execute()
        },
        end(ending) {
          start()
          // Not removed on `close` only: a response queued behind another on its connection closes much later.
          remove(response)
          response.end(ending === 'interrupted' ? SSE_RECONNECT : COMPLETE)
        },
      }
    },
  }
}

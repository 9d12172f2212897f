/**
 * Receives request bodies. A client may never send a body completely: bytes are limited over all connections of a
 * server.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GrowingBytes, createGrowingBytes } from '../../shared/growing-bytes.ts'
import { hasBody, limitRest, onceEnded } from './end-response.ts'

/** Memory of the bodies that no handler has read yet. */
const MAX_RECEIVED_BYTES = 64 * 1024 * 1024

/** Lower than the maximum, so that the bodies are not sorted for each piece. */
const RECEIVED_BYTES_AFTER_DISCONNECTS = 48 * 1024 * 1024

export interface RequestBody {
  /** Must be called unless the response is sent only after `read` has called `done`. */
  allowEarlyResponse(): void
  /**
   * Calls `done` once with the whole body, or with the first bytes of a body that is larger than its limit.
   * Never calls it if the client disconnects before, or after the response.
   */
  read(done: (bytes: Buffer) => void): void
}

export interface RequestBodies {
  /** Receives the body of an accepted request, whether or not a handler reads it. Null if there is no body. */
  receive(response: ServerResponse, limitBytes: number): RequestBody | null
}

export function createRequestBodies(): RequestBodies {
  /** The allocated bytes of each body that no handler has read yet. */
  const unread = new Map<IncomingMessage, number>()
  let allocated = 0

  function release(request: IncomingMessage): void {
    allocated -= unread.get(request) ?? 0
    unread.delete(request)
  }

  function keep(request: IncomingMessage, bytes: number): void {
    allocated += bytes - (unread.get(request) ?? 0)
    unread.set(request, bytes)
    if (allocated > MAX_RECEIVED_BYTES) disconnectLargest()
  }

  function disconnectLargest(): void {
    const largestFirst = [...unread].toSorted(([, a], [, b]) => b - a)
    for (const [request] of largestFirst) {
      if (allocated <= RECEIVED_BYTES_AFTER_DISCONNECTS) return
      release(request)
      request.socket.destroy()
    }
  }

  return {
    receive(response, limitBytes) {
      const { req } = response
      if (!hasBody(req)) return null
      const length = Number(req.headers['content-length'] ?? Infinity)
      /** Null before the first piece, and once the body was read: the request lives as long as its response. */
      let received: GrowingBytes | null = null
      /** Whether all that a handler reads has been received. */
      let isComplete = false
      /** Whether the body was read, or will not be. */
      let isOver = false
      let isWatched = false
      /** A body of one piece that no handler has read yet. Requests in the queue of the load shedder are limited. */
      let whole: Buffer | null = null
      let reader: ((bytes: Buffer) => void) | null = null

      function drop(): void {
        isOver = true
        reader = null
        whole = null
        if (received === null) return
        received = null
        release(req)
      }

      function deliver(): void {
        if (reader === null || !isComplete) return
        const done = reader
        const piece = whole
        const bytes = received?.view()
        drop()
        if (piece !== null) done(piece)
        else
          done(bytes === undefined ? Buffer.alloc(0) : Buffer.from(bytes.buffer, 0, bytes.length))
      }

      function complete(): void {
        isComplete = true
        deliver()
      }

      function watch(): void {
        if (isWatched) return
        isWatched = true
        onceEnded(req, complete)
        response.once('close', drop)
        response.once('finish', () => {
          drop()
          if (!req.complete) limitRest(req)
        })
      }

      // A body that may be empty: its end is then the only event.
      if (length === 0 || length === Infinity) watch()
      // Until the body ends, also after the response.
      req.on('data', (piece: Buffer) => {
        if (isOver || isComplete) return
        // Most bodies arrive in one piece. It needs no copy, and no listeners: each costs a microsecond.
        if (received === null && piece.length === length) {
          whole = piece
          complete()
          return
        }
        watch()
        received ??= createGrowingBytes(Math.min(length, limitBytes))
        received.append(piece)
        keep(req, received.allocated())
        // Node ends a body at its declared length.
        if (received.length() === length || received.length() > limitBytes) complete()
      })
      return {
        allowEarlyResponse: watch,
        read(done) {
          if (isOver) return
          reader = done
          deliver()
        },
      }
    },
  }
}

/** Receives the body of a request that is not processed. */
export function discardBody(request: IncomingMessage): void {
  request.on('data', () => {})
}

/**
 * Receives request bodies. A client may send a body in any number of pieces, or never completely: pieces are
 * limited for each request, and bytes over all connections of a server.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GrowingBytes, createGrowingBytes } from '../../shared/growing-bytes.ts'

/** Pieces of any size: chunks of a chunked body, or TCP segments. Each costs much more than its bytes. */
const MAX_SMALL_PIECES = 1024

/** One further piece is allowed for so many bytes: fewer than a TCP segment has. */
const BYTES_PER_PIECE = 1024

/** Memory of the bodies that no handler has read yet. */
const MAX_RECEIVED_BYTES = 64 * 1024 * 1024

/** Lower than the maximum, so that the bodies are not sorted for each piece. */
const RECEIVED_BYTES_AFTER_DISCONNECTS = 48 * 1024 * 1024

/** Milliseconds for the rest of a body after its response. Then the connection can be used again. */
const REST_MS = 1000

export interface RequestBody {
  /**
   * Calls `done` once with the whole body, or with the first bytes of a body that is larger than its limit.
   * Never calls it if the client disconnects before, or after the response.
   */
  read(done: (bytes: Buffer) => void): void
}

export interface RequestBodies {
  /** Receives the body of an accepted request, whether or not a handler reads it. Null if there is no body. */
  receive(response: ServerResponse, limitBytes: number): RequestBody | null
  /** Receives the body of a request that is not processed. */
  discard(request: IncomingMessage): void
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
      /** Null once the body was read or is not needed: the request lives as long as its response. */
      let received: GrowingBytes | null = createGrowingBytes(Math.min(length, limitBytes))
      let isComplete = false
      let reader: ((bytes: Buffer) => void) | null = null

      function drop(): void {
        received = null
        reader = null
        release(req)
      }

      function deliver(): void {
        if (reader === null || received === null || !isComplete) return
        const done = reader
        const { buffer, byteLength } = received.view()
        drop()
        done(Buffer.from(buffer, 0, byteLength))
      }

      function complete(): void {
        isComplete = true
        deliver()
      }

      receivePieces(req, (piece) => {
        if (received === null || isComplete) return
        received.append(piece)
        // Node ends a body at its declared length.
        if (received.length() === length || received.length() > limitBytes) complete()
        // Delivered bytes are not kept here.
        if (received !== null) keep(req, received.allocated())
      })
      req.once('end', complete)
      response.once('close', drop)
      response.once('finish', () => {
        drop()
        if (req.complete) return
        setTimeout(() => {
          if (!req.complete) req.socket.destroy()
        }, REST_MS).unref()
      })
      return {
        read(done) {
          reader = done
          deliver()
        },
      }
    },
    discard: (request) => receivePieces(request, () => {}),
  }
}

/** Reads the body until it ends, also after the response. */
function receivePieces(request: IncomingMessage, receive: (piece: Buffer) => void): void {
  let pieces = 0
  let bytes = 0
  request.on('data', (piece: Buffer) => {
    pieces += 1
    bytes += piece.length
    if (pieces > MAX_SMALL_PIECES + bytes / BYTES_PER_PIECE) request.socket.destroy()
    else receive(piece)
  })
}

function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return length !== '0' || coding !== undefined
}

/** A keep-alive connection for one request at a time, which parses as little of a response as possible. */
import { type Socket, connect } from 'node:net'
import { type ChunkReader, createChunkReader } from './chunks.ts'

/** Address of a server. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** Bytes of a request, and the text that the body of a right response must contain. */
export interface PreparedRequest {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly marker: string
}

/** A completely received response. */
export interface Arrival {
  readonly status: number
  readonly hasMarker: boolean
  readonly hasRetryAfter: boolean
}

export interface Connection {
  /** Must not be called while a request is running. */
  send(request: PreparedRequest): void
  close(): void
}

/** Bytes of one read. All connections share one buffer: each read is processed before the next. */
const READ_BYTES = 256 * 1024
const shared = Buffer.allocUnsafeSlow(READ_BYTES)
const END_OF_HEAD = '\r\n\r\n'

/** A partially received response. */
interface PartialResponse {
  arrival: Arrival
  /** The end of the body so far, which may contain the beginning of the marker. */
  tail: string
  bytesLeft: number
  /** Null for a response with Content-Length. */
  readonly chunks: ChunkReader | null
}

/** Offset of the end of the head in `chunk`, which continues `previous`; null when it is not in `chunk`. */
function endOfHead(previous: string, chunk: Buffer): number | null {
  const end =
    previous === ''
      ? chunk.indexOf(END_OF_HEAD)
      : (previous + chunk.toString('latin1')).indexOf(END_OF_HEAD)
  return end === -1 ? null : end + END_OF_HEAD.length - previous.length
}

/**
 * @param onArrival called for each response
 * @param onLost called with the reason when the connection ends before `close`
 */
export function openConnection(
  target: Target,
  onArrival: (arrival: Arrival) => void,
  onLost: (reason: string) => void,
): Connection {
  let marker = ''
  let isClosed = false
  /** Null between responses. */
  let open: PartialResponse | null = null
  /** The beginning of an incomplete head. */
  let headSoFar = ''

  /** Returns the offset of the body; null when the head is incomplete. */
  function readHead(bytes: number): number | null {
    const chunk = shared.subarray(0, bytes)
    const bodyAt = endOfHead(headSoFar, chunk)
    const head = headSoFar + chunk.toString('latin1', 0, bodyAt ?? bytes)
    headSoFar = bodyAt === null ? head : ''
    if (bodyAt === null) return null
    const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? []
    const isChunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head)
    open = {
      arrival: {
        status: Number(head.slice(9, 12)),
        hasMarker: marker === '',
        hasRetryAfter: /\r\nretry-after: *\d/i.test(head),
      },
      tail: '',
      bytesLeft: Number(length ?? 0),
      chunks: isChunked ? createChunkReader() : null,
    }
    return bodyAt
  }

  /** Searches the marker, which may be split over two reads. */
  function findMarker(response: PartialResponse, from: number, bytes: number): void {
    const chunk = shared.subarray(from, bytes)
    const isFound = chunk.includes(marker, 0, 'latin1')
    const text = isFound ? marker : response.tail + chunk.toString('latin1')
    if (text.includes(marker)) response.arrival = { ...response.arrival, hasMarker: true }
    else response.tail = text.slice(Math.max(0, text.length - marker.length + 1))
  }

  function read(bytes: number): boolean {
    const from = open === null ? readHead(bytes) : 0
    if (from === null || open === null) return true
    if (!open.arrival.hasMarker && from < bytes) findMarker(open, from, bytes)
    open.bytesLeft -= bytes - from
    const isOver =
      open.chunks === null ? open.bytesLeft <= 0 : open.chunks.read(shared, from, bytes)
    if (isOver) {
      const { arrival } = open
      open = null
      onArrival(arrival)
    }
    return true
  }

  const socket: Socket = connect({ ...target, onread: { buffer: shared, callback: read } })
  socket.setNoDelay(true)
  let reason = 'the connection was closed'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    reason = error.code ?? error.message
  })
  socket.on('close', () => {
    if (!isClosed) onLost(reason)
  })
  return {
    send(request) {
      marker = request.marker
      socket.write(request.bytes)
    },
    close() {
      isClosed = true
      socket.destroy()
    },
  }
}

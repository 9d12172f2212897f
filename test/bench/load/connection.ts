/** A keep-alive connection for one request at a time, which reads no more of an answer than it must. */
import { type Socket, connect } from 'node:net'

/** Who is asked. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** What to send, ready as bytes, and the words that the body of a right answer begins to say. */
export interface Shot {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly marker: string
}

/** An answer that has arrived whole. */
export interface Arrival {
  readonly status: number
  readonly hasMarker: boolean
  readonly hasRetryAfter: boolean
}

export interface Connection {
  /** Only while nothing is under way. */
  send(shot: Shot): void
  close(): void
}

/** Bytes of one read. One buffer serves all connections: what is read is looked at before the next. */
const READ_BYTES = 256 * 1024
const shared = Buffer.allocUnsafeSlow(READ_BYTES)
const END_OF_HEAD = '\r\n\r\n'
const END_OF_CHUNKS = Buffer.from('0\r\n\r\n')

/**
 * @param onArrival called for each answer
 * @param onLost called where the connection ends before it was closed, with the reason
 */
export function openConnection(
  target: Target,
  onArrival: (arrival: Arrival) => void,
  onLost: (reason: string) => void,
): Connection {
  let marker = ''
  let isClosed = false
  /** Null between answers. */
  let open: { arrival: Arrival; bytesLeft: number; isChunked: boolean } | null = null
  /** The beginning of a head that did not come whole. */
  let headSoFar = ''

  function read(bytes: number): boolean {
    let from = 0
    if (open === null) {
      const end = shared.indexOf(END_OF_HEAD)
      const isWhole = end !== -1 && end < bytes
      const head = headSoFar + shared.toString('latin1', 0, isWhole ? end : bytes)
      if (!isWhole) {
        headSoFar = head
        return true
      }
      headSoFar = ''
      from = end + END_OF_HEAD.length
      const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? []
      open = {
        arrival: {
          status: Number(head.slice(9, 12)),
          hasMarker: marker === '',
          hasRetryAfter: /\r\nretry-after: *\d/i.test(head),
        },
        bytesLeft: Number(length ?? 0),
        isChunked: length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head),
      }
    }
    const arrived = bytes - from
    if (!open.arrival.hasMarker && arrived > 0) {
      const found = shared.indexOf(marker, from, 'latin1')
      if (found !== -1 && found < bytes) open.arrival = { ...open.arrival, hasMarker: true }
    }
    open.bytesLeft -= arrived
    const isOver = open.isChunked
      ? arrived >= END_OF_CHUNKS.length &&
        shared.compare(
          END_OF_CHUNKS,
          0,
          END_OF_CHUNKS.length,
          bytes - END_OF_CHUNKS.length,
          bytes,
        ) === 0
      : open.bytesLeft <= 0
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
    send(shot) {
      marker = shot.marker
      socket.write(shot.bytes)
    },
    close() {
      isClosed = true
      socket.destroy()
    },
  }
}

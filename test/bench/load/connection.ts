/** A keep-alive connection for one request at a time, which reads no more of an answer than it must. */
import { type Socket, connect } from 'node:net'
import { type ChunkReader, createChunkReader } from './chunks.ts'

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

/** An answer that is arriving. */
interface Open {
  arrival: Arrival
  /** The end of the body so far, where the marker may have begun. */
  tail: string
  bytesLeft: number
  /** Null where the length was declared. */
  readonly chunks: ChunkReader | null
}

/** Where the head is over in this part of it, of which the beginning came before; null where it is not. */
function endOfHead(begun: string, part: Buffer): number | null {
  const end =
    begun === ''
      ? part.indexOf(END_OF_HEAD)
      : (begun + part.toString('latin1')).indexOf(END_OF_HEAD)
  return end === -1 ? null : end + END_OF_HEAD.length - begun.length
}

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
  let open: Open | null = null
  /** The beginning of a head that did not come whole. */
  let headSoFar = ''

  /** Returns where the body begins; null where the head has not come whole. */
  function readHead(bytes: number): number | null {
    const part = shared.subarray(0, bytes)
    const bodyAt = endOfHead(headSoFar, part)
    const head = headSoFar + part.toString('latin1', 0, bodyAt ?? bytes)
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

  /** The marker may have come in two pieces. */
  function findMarker(answer: Open, from: number, bytes: number): void {
    const part = shared.subarray(from, bytes)
    const isFound = part.includes(marker, 0, 'latin1')
    const said = isFound ? marker : answer.tail + part.toString('latin1')
    if (said.includes(marker)) answer.arrival = { ...answer.arrival, hasMarker: true }
    else answer.tail = said.slice(Math.max(0, said.length - marker.length + 1))
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

/** Limits the total bytes that a server has written and its clients have not read. */
import type { Socket } from 'node:net'

/** Maximum unread bytes. Node may keep each of them twice: as text and in its write buffer. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024

/** Unread bytes that may remain after a count, so that the next count is at least 16 MB later. */
const UNREAD_BYTES_AFTER_COUNT = 48 * 1024 * 1024

/** Milliseconds without progress after which a client has stopped reading. */
const STOPPED_MS = 2000

export interface UnreadBytes {
  /** Includes an HTTP or WebSocket connection in the count until it closes. */
  watch(socket: Socket): void
  /** Must be called after each write. Disconnects the slowest clients when too many bytes are unread. */
  readonly written: (bytes: number) => void
}

/** A connection at the latest count. */
interface Reader {
  readonly socket: Socket
  /** Bytes passed to the operating system. */
  sent: number
  /** Whether `sent` was the same at the count before. */
  isIdle: boolean
  /** Time of the latest count at which `sent` had changed. */
  progressAt: number
}

/** @param monotonicMs replaced in tests */
export function createUnreadBytes(
  monotonicMs: () => number = () => performance.now(),
): UnreadBytes {
  const readers = new Map<Socket, Reader>()
  /** Upper bound of the unread bytes: the latest count plus all bytes written since. */
  let upperBound = 0
  let isCountScheduled = false

  function count(): void {
    isCountScheduled = false
    upperBound = 0
    const now = monotonicMs()
    for (const reader of readers.values()) {
      upperBound += unreadBytesOf(reader.socket)
      const sent = sentBytesOf(reader.socket)
      reader.isIdle = sent === reader.sent
      if (!reader.isIdle) reader.progressAt = now
      reader.sent = sent
    }
    if (upperBound > UNREAD_BYTES_AFTER_COUNT) disconnectSlowest(now)
  }

  /**
   * Clients that have stopped reading go first, then those without progress since the count before: counts
   * may follow each other within milliseconds. Among equals the most unread bytes go first.
   */
  function disconnectSlowest(now: number): void {
    const slowestFirst = [...readers.values()]
      .map(({ socket, isIdle, progressAt }) => {
        const unread = unreadBytesOf(socket)
        const stopped = now - progressAt >= STOPPED_MS ? unread : 0
        return { socket, unread, stopped, idle: isIdle ? unread : 0 }
      })
      .toSorted((a, b) => b.stopped - a.stopped || b.idle - a.idle || b.unread - a.unread)
    for (const { socket, unread } of slowestFirst) {
      if (upperBound <= UNREAD_BYTES_AFTER_COUNT) return
      upperBound -= unread
      readers.delete(socket)
      socket.destroy()
    }
  }

  return {
    watch(socket) {
      if (readers.has(socket) || socket.destroyed) return
      readers.set(socket, { socket, sent: 0, isIdle: false, progressAt: monotonicMs() })
      socket.once('close', () => readers.delete(socket))
    },
    written(bytes) {
      upperBound += bytes
      if (upperBound <= MAX_UNREAD_BYTES || isCountScheduled) return
      isCountScheduled = true
      // Node passes written events to the operating system at the end of the tick; until then they are unread.
      setImmediate(count)
    },
  }
}

/** `writableLength` counts the characters of a text, and a write completely until its last byte was sent. */
function unreadBytesOf(socket: Socket): number {
  return Math.max(socket.writableLength, queuedBytesOf(socket))
}

/** Changes only with what the client reads, and when a write starts. */
function sentBytesOf(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength - queuedBytesOf(socket)
}

/**
 * Bytes of the current write that were not sent yet. Node's own timeout of connections reads this
 * undocumented field too; without it, a write makes progress only when it ends.
 */
function queuedBytesOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('writeQueueSize' in handle)) return 0
  return typeof handle.writeQueueSize === 'number' ? handle.writeQueueSize : 0
}

/** Limits the total bytes that a server has written and its clients have not read. */
import type { Socket } from 'node:net'

/** Maximum unread bytes. Node may keep each of them twice: as text and in its write buffer. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024

/** Unread bytes that may remain after a count, so that the next count is at least 16 MB later. */
const UNREAD_BYTES_AFTER_COUNT = 48 * 1024 * 1024

export interface UnreadBytes {
  /** Includes an HTTP or WebSocket connection in the count until it closes. */
  watch(socket: Socket): void
  /** Must be called after each write. Disconnects the slowest clients when too many bytes are unread. */
  readonly written: (bytes: number) => void
}

export function createUnreadBytes(): UnreadBytes {
  /** Unread bytes of each connection at the latest count. */
  const sockets = new Map<Socket, number>()
  /** Upper bound of the unread bytes: the latest count plus all bytes written since. */
  let upperBound = 0
  let isCountScheduled = false

  function count(): void {
    isCountScheduled = false
    upperBound = 0
    for (const { writableLength } of sockets.keys()) upperBound += writableLength
    if (upperBound > UNREAD_BYTES_AFTER_COUNT) disconnectSlowest()
    for (const socket of sockets.keys()) sockets.set(socket, socket.writableLength)
  }

  /**
   * Disconnects the clients with the most bytes that have been unread since the previous count, until few
   * enough bytes are unread. Newer bytes count second: the client may be reading them now.
   */
  function disconnectSlowest(): void {
    const slowestFirst = [...sockets]
      .map(([socket, before]) => ({ socket, unread: Math.min(before, socket.writableLength) }))
      .toSorted((a, b) => b.unread - a.unread || b.socket.writableLength - a.socket.writableLength)
    for (const { socket } of slowestFirst) {
      if (upperBound <= UNREAD_BYTES_AFTER_COUNT) return
      upperBound -= socket.writableLength
      sockets.delete(socket)
      socket.destroy()
    }
  }

  return {
    watch(socket) {
      if (sockets.has(socket) || socket.destroyed) return
      sockets.set(socket, 0)
      socket.once('close', () => sockets.delete(socket))
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

/** Limits the bytes that were written and that clients have not read, over all connections of a server. */
import type { Socket } from 'node:net'

/** Node may keep each unread byte twice: as text and in its write buffer. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024

/** Lower than the maximum, so that the next count is at least 16 MB later. */
const UNREAD_BYTES_AFTER_COUNT = 48 * 1024 * 1024

export interface UnreadBytes {
  /** Includes a connection in the count until it closes. Connections of HTTP and of WebSockets are alike. */
  watch(socket: Socket): void
  /** To be called after each write. Disconnects the slowest clients when too many bytes are unread. */
  readonly written: (bytes: number) => void
}

export function createUnreadBytes(): UnreadBytes {
  /** The unread bytes of each connection at the latest count. */
  const sockets = new Map<Socket, number>()
  /** Never less than the unread bytes: those of the latest count, and all bytes written since. */
  let upperBound = 0
  let isCountScheduled = false

  function count(): void {
    isCountScheduled = false
    upperBound = 0
    for (const { writableLength } of sockets.keys()) upperBound += writableLength
    if (upperBound > UNREAD_BYTES_AFTER_COUNT) disconnectSlowest()
    for (const socket of sockets.keys()) sockets.set(socket, socket.writableLength)
  }

  /** Bytes that were unread at the latest count too go first: a new response may be being read right now. */
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
      // Node passes event streams to the operating system at the end of the tick: until then all is unread.
      setImmediate(count)
    },
  }
}

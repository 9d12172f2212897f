/** Limits the open connections of an HTTP server: at the maximum, one that waits for its client makes room. */
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:net'
import { type Indexed, NOT_IN_SET, createIndexedSet } from '../../shared/indexed-set.ts'

/** Random connections of which one that waits for its client is closed. */
const MAX_SAMPLES = 16

export interface ConnectionLimit {
  /**
   * Adds a connection. At the maximum, closes a random one that waits for its client, or this one if none is found.
   * Random, because an honest client needs its connection for milliseconds: in a flood of connections, the oldest
   * would certainly be closed.
   */
  open(socket: Socket): void
  /** Exempts a connection from being closed for others. It still counts. */
  keep(socket: Socket): void
  /** Closes the connections whose client has sent nothing. Node does not count them as idle. */
  closeUnused(): void
}

export interface ConnectionLimitOptions {
  readonly maxConnections: number
  /** Whether the server does nothing for this connection until its client sends or reads. */
  readonly isWaitingForClient: (socket: Socket) => boolean
  /** Returns a random integer below the maximum. Replaced in tests. */
  readonly randomBelow?: ((maximum: number) => number) | undefined
}

interface OpenConnection extends Indexed {
  readonly socket: Socket
}

export function createConnectionLimit({
  maxConnections,
  isWaitingForClient,
  randomBelow = randomInt,
}: ConnectionLimitOptions): ConnectionLimit {
  const open = new Map<Socket, OpenConnection>()
  /** Those of `open` that may be closed for others. */
  const closable = createIndexedSet<OpenConnection>()

  function remove(connection: OpenConnection): void {
    open.delete(connection.socket)
    closable.delete(connection)
  }

  /** Returns false if none of the samples waits for its client. */
  function makeRoom(): boolean {
    const samples = Math.min(MAX_SAMPLES, closable.size())
    for (let count = 0; count < samples; count += 1) {
      const connection = closable.at(randomBelow(closable.size()))
      if (connection !== null && isWaitingForClient(connection.socket)) {
        remove(connection)
        connection.socket.destroy()
        return true
      }
    }
    return false
  }

  return {
    open(socket) {
      // The server emits the connection of an ignored upgrade again.
      if (open.has(socket)) return
      if (open.size >= maxConnections && !makeRoom()) {
        socket.destroy()
        return
      }
      const connection = { socket, index: NOT_IN_SET }
      open.set(socket, connection)
      closable.add(connection)
      socket.once('close', () => remove(connection))
    },
    keep(socket) {
      const connection = open.get(socket)
      if (connection !== undefined) closable.delete(connection)
    },
    closeUnused() {
      for (const socket of open.keys()) if (socket.bytesRead === 0) socket.destroy()
    },
  }
}

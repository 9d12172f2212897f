/**
 * Limits the data that a client of a Worker's WebSocket has not read. workerd has no
 * `bufferedAmount` (https://github.com/cloudflare/workerd/issues/988), so pings and pongs measure it.
 */

/** Unread characters at which events wait in the gateway. */
const HIGH_WATER_MARK = 64 * 1024
/** Unread characters above which the socket is closed: all sockets of an isolate share 128 MB. */
const MAX_UNREAD = 4 * 1024 * 1024

export interface Unread {
  /** Counts sent characters. Returns false if events must wait for `flushed`. */
  countSent(characters: number): boolean
  /** Sends a ping, unless a pong is pending. */
  ping(): void
  /** Handles a pong of the client. */
  onPong(payload: unknown): void
}

export interface UnreadOptions {
  readonly send: (text: string) => void
  /** Called when events may be sent again. */
  readonly flushed: () => void
  /** Called when the maximum is exceeded. */
  readonly onLimit: () => void
}

/**
 * Creates the counter of one socket. A pong means that the client has read everything sent before the ping.
 * Only a pong with the ping's payload proves it, and the protocol does not require clients to echo the payload.
 * Events therefore resume after a pong without payload, but the maximum counts only proven reads. A client
 * that omits the payload is closed at the maximum, and reconnects.
 */
export function createUnread({ send, flushed, onLimit }: UnreadOptions): Unread {
  let sent = 0
  /**
   * Characters sent before the last ping that a pong followed (`acknowledged`), and before the last ping
   * whose payload a pong echoed (`verified`).
   */
  let acknowledged = 0
  let verified = 0
  let pendingPing: { readonly nonce: string; readonly sent: number } | null = null

  function ping(): void {
    if (pendingPing !== null) return
    pendingPing = { nonce: crypto.randomUUID(), sent }
    send(JSON.stringify({ type: 'ping', payload: { nonce: pendingPing.nonce } }))
  }

  function isBelowHighWaterMark(): boolean {
    return sent - acknowledged < HIGH_WATER_MARK
  }

  return {
    countSent(characters) {
      sent += characters
      if (sent - verified > MAX_UNREAD) onLimit()
      else if (!isBelowHighWaterMark()) ping()
      return isBelowHighWaterMark()
    },
    ping,
    onPong(payload) {
      if (pendingPing === null) return
      const { nonce, sent: read } = pendingPing
      if (nonceOf(payload) === nonce) verified = read
      else if (nonceOf(payload) !== null) return
      pendingPing = null
      acknowledged = read
      if (isBelowHighWaterMark()) flushed()
      else ping()
    },
  }
}

/** Returns the nonce of a pong; null if the client does not echo payloads. */
function nonceOf(payload: unknown): unknown {
  return typeof payload === 'object' && payload !== null && 'nonce' in payload
    ? payload.nonce
    : null
}

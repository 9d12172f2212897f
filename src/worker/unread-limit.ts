/**
 * How much of what a Worker sent on a WebSocket may still be unread. workerd has no `bufferedAmount`
 * (https://github.com/cloudflare/workerd/issues/988), so it is counted from pings and their pongs.
 */

/** Characters that may wait for a client to read them, before events wait in the gateway. */
const ENOUGH_UNREAD = 64 * 1024
/** And before the socket is closed: all sockets of an isolate share its 128 MB. */
const MOST_UNREAD = 4 * 1024 * 1024

export interface Unread {
  /** Counts what is sent. False where events are to wait for `flushed`. */
  sent(characters: number): boolean
  /** Sends a ping, unless one is unanswered. */
  ping(): void
  /** The client sent a pong. */
  onPong(payload: unknown): void
}

export interface UnreadOptions {
  readonly send: (text: string) => void
  /** There is room again. */
  readonly flushed: () => void
  /** More is unread than may be. */
  readonly tooMuch: () => void
}

/**
 * A pong says that everything sent before its ping was read. Only one with the ping's payload proves it,
 * and the protocol does not ask for one: events go on with any pong, and the bound counts by proof. A
 * client whose pongs have no payload is therefore closed after that much, and reconnects.
 */
export function createUnread({ send, flushed, tooMuch }: UnreadOptions): Unread {
  let sent = 0
  /** How much had been sent before the last ping that was answered, and that was answered with proof. */
  let answered = 0
  let proven = 0
  let unanswered: { readonly nonce: string; readonly sent: number } | null = null

  function ping(): void {
    if (unanswered !== null) return
    unanswered = { nonce: crypto.randomUUID(), sent }
    send(JSON.stringify({ type: 'ping', payload: { nonce: unanswered.nonce } }))
  }

  function hasRoom(): boolean {
    return sent - answered < ENOUGH_UNREAD
  }

  return {
    sent(characters) {
      sent += characters
      if (sent - proven > MOST_UNREAD) tooMuch()
      else if (!hasRoom()) ping()
      return hasRoom()
    },
    ping,
    onPong(payload) {
      if (unanswered === null) return
      const { nonce, sent: read } = unanswered
      if (nonceOf(payload) === nonce) proven = read
      else if (nonceOf(payload) !== null) return
      unanswered = null
      answered = read
      if (hasRoom()) flushed()
      else ping()
    },
  }
}

/** Null where the pong has none, as that of a client which does not send payloads back. */
function nonceOf(payload: unknown): unknown {
  return typeof payload === 'object' && payload !== null && 'nonce' in payload
    ? payload.nonce
    : null
}

/**
 * Lightweight subscribers, for thousands in one process: each has a raw socket and reports events
 * without parsing them, and all read into one shared buffer.
 */
import { type Socket, connect } from 'node:net'
import type { Target } from './connection.ts'
import { postJson } from './requests.ts'

/** An open subscription. */
export interface Subscriber {
  close(): void
}

interface SubscriberOptions {
  readonly target: Target
  /** The value of the Authorization header. */
  readonly token: string
  readonly uid: string
  /** Called for each event. The buffer is valid only until the call returns. */
  readonly onEvent: (event: Buffer) => void
  /** Called when the server ends the connection. */
  readonly onLost: (reason: string) => void
}

/** The operation of every subscriber. */
export const SUBSCRIPTION =
  'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version progress { encodingPercent } } }'

const shared = Buffer.allocUnsafeSlow(64 * 1024)
/** Occurs at the beginning of each event and nowhere else. */
const EVENT = Buffer.from('event: next')
const NEWLINE = 0x0a

function open(
  { target, onLost }: SubscriberOptions,
  onRead: (bytes: number) => void,
): { socket: Socket; close: () => void } {
  let isClosed = false
  const socket = connect({
    ...target,
    onread: {
      buffer: shared,
      callback: (bytes) => {
        onRead(bytes)
        return true
      },
    },
  })
  socket.setNoDelay(true)
  let reason = 'the connection was closed'
  socket.on('error', (error) => {
    reason = error.message
  })
  socket.on('close', () => {
    if (!isClosed) onLost(reason)
  })
  return {
    socket,
    close() {
      isClosed = true
      socket.destroy()
    },
  }
}

/** Subscribes over server-sent events, one connection per subscription. */
export function subscribeBySse(options: SubscriberOptions): Subscriber {
  /** The end of the previous read, when it may contain the beginning of an event. */
  let rest: Buffer | null = null

  function read(bytes: number): void {
    const chunk = shared.subarray(0, bytes)
    const text = rest === null ? chunk : Buffer.concat([rest, chunk])
    let from = text.indexOf(EVENT)
    let end = 0
    for (; from !== -1; from = text.indexOf(EVENT, end)) {
      end = from + EVENT.length
      options.onEvent(text.subarray(from))
    }
    // Text that ends with a newline cannot end inside an `EVENT` marker.
    const endsWithNewline = text[text.length - 1] === NEWLINE
    rest = endsWithNewline
      ? null
      : Buffer.from(text.subarray(Math.max(end, text.length - EVENT.length + 1)))
  }

  const { socket, close } = open(options, read)
  const body = JSON.stringify({ query: SUBSCRIPTION, variables: { uid: options.uid } })
  socket.write(
    postJson('/graphql', body, { accept: 'text/event-stream', authorization: options.token }),
  )
  return { close }
}

/** https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
const TEXT = 0x81
const PING = 0x89
const PONG = 0x8a
/** Client frames must be masked; a zero mask leaves the payload unchanged. */
const MASKED = 0x80
const NO_MASK = [0, 0, 0, 0]

/** Subscribes over graphql-transport-ws, one socket per subscription. */
export function subscribeByWs(options: SubscriberOptions): Subscriber {
  let isOpen = false
  let rest: Buffer | null = null

  function read(bytes: number): void {
    const chunk = shared.subarray(0, bytes)
    let text = rest === null ? chunk : Buffer.concat([rest, chunk])
    if (!isOpen) {
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) {
        rest = Buffer.from(text)
        return
      }
      isOpen = true
      text = text.subarray(end + 4)
      const payload = { authorization: options.token }
      socket.write(frame({ type: 'connection_init', payload }))
    }
    let from = 0
    for (;;) {
      const found = findFrame(text, from)
      if (found === null) break
      const payload = text.subarray(found.from, found.end)
      if (found.kind === PING) socket.write(pong(payload))
      if (found.kind === TEXT) handle(payload)
      from = found.end
    }
    rest = from === text.length ? null : Buffer.from(text.subarray(from))
  }

  function handle(message: Buffer): void {
    if (!message.includes('connection_ack')) {
      options.onEvent(message)
      return
    }
    const payload = { query: SUBSCRIPTION, variables: { uid: options.uid } }
    socket.write(frame({ type: 'subscribe', id: '1', payload }))
  }

  const { socket, close } = open(options, read)
  socket.write(
    'GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
      'sec-websocket-protocol: graphql-transport-ws\r\n\r\n',
  )
  return { close }
}

function frame(message: object): Buffer {
  const text = Buffer.from(JSON.stringify(message))
  const length = [text.length >> 8, text.length & 0xff]
  return Buffer.concat([Buffer.from([TEXT, MASKED | 126, ...length, ...NO_MASK]), text])
}

/** A pong with the payload of the ping. */
function pong(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([PONG, MASKED | payload.length, ...NO_MASK]), payload])
}

/** The next complete frame; null when it is incomplete. Frames over 64 KiB are not supported. */
function findFrame(text: Buffer, at: number): { kind: number; from: number; end: number } | null {
  if (text.length < at + 2) return null
  const short = text[at + 1] ?? 0
  const isLong = short === 126
  if (isLong && text.length < at + 4) return null
  const length = isLong ? text.readUInt16BE(at + 2) : short
  const from = at + (isLong ? 4 : 2)
  const end = from + length
  return text.length < end ? null : { kind: text[at] ?? 0, from, end }
}

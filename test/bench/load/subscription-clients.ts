/**
 * Thousands of subscribers in one process, which do no more with what they hear than count it: a raw
 * socket each, and one buffer that all of them read into.
 */
import { type Socket, connect } from 'node:net'
import type { Target } from './connection.ts'
import { postJson } from './requests.ts'

/** How a subscriber speaks to its server. */
export interface Listener {
  close(): void
}

interface Call {
  readonly target: Target
  /** The value of the Authorization header. */
  readonly token: string
  readonly uid: string
  /** Called for each event, with what it says; to be looked at before it returns. */
  readonly onEvent: (words: Buffer) => void
  /** Called where the server ends it. */
  readonly onLost: (reason: string) => void
}

/** What every subscriber asks for. */
export const SUBSCRIPTION =
  'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version progress { encodingPercent } } }'

const shared = Buffer.allocUnsafeSlow(64 * 1024)
/** Stands at the beginning of each event, and nowhere else. */
const EVENT = Buffer.from('event: next')
const NEWLINE = 0x0a

function open(
  { target, onLost }: Call,
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

/** Server-sent events, one subscription a connection. */
export function listenBySse(call: Call): Listener {
  /** The end of what was read before, where an event may have begun in it. */
  let rest: Buffer | null = null

  function read(bytes: number): void {
    const part = shared.subarray(0, bytes)
    const text = rest === null ? part : Buffer.concat([rest, part])
    let from = text.indexOf(EVENT)
    let end = 0
    for (; from !== -1; from = text.indexOf(EVENT, end)) {
      end = from + EVENT.length
      call.onEvent(text.subarray(from))
    }
    // What ends with a line holds no half of an event's first words.
    const isEven = text[text.length - 1] === NEWLINE
    rest = isEven ? null : Buffer.from(text.subarray(Math.max(end, text.length - EVENT.length + 1)))
  }

  const { socket, close } = open(call, read)
  const body = JSON.stringify({ query: SUBSCRIPTION, variables: { uid: call.uid } })
  socket.write(
    postJson('/graphql', body, { accept: 'text/event-stream', authorization: call.token }),
  )
  return { close }
}

/** https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
const TEXT = 0x81
const PING = 0x89
const PONG = 0x8a
/** Frames of a client are masked; a mask of zeros leaves what it says as it is. */
const MASKED = 0x80
const NO_MASK = [0, 0, 0, 0]

/** graphql-transport-ws, one subscription a socket. */
export function listenByWs(call: Call): Listener {
  let isOpen = false
  let rest: Buffer | null = null

  function read(bytes: number): void {
    const part = shared.subarray(0, bytes)
    let text = rest === null ? part : Buffer.concat([rest, part])
    if (!isOpen) {
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) {
        rest = Buffer.from(text)
        return
      }
      isOpen = true
      text = text.subarray(end + 4)
      const payload = { authorization: call.token }
      socket.write(frame({ type: 'connection_init', payload }))
    }
    let from = 0
    for (;;) {
      const found = findFrame(text, from)
      if (found === null) break
      const payload = text.subarray(found.from, found.end)
      if (found.kind === PING) socket.write(pong(payload))
      if (found.kind === TEXT) hear(payload)
      from = found.end
    }
    rest = from === text.length ? null : Buffer.from(text.subarray(from))
  }

  function hear(words: Buffer): void {
    if (!words.includes('connection_ack')) {
      call.onEvent(words)
      return
    }
    const payload = { query: SUBSCRIPTION, variables: { uid: call.uid } }
    socket.write(frame({ type: 'subscribe', id: '1', payload }))
  }

  const { socket, close } = open(call, read)
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

/** Says what the ping said. */
function pong(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([PONG, MASKED | payload.length, ...NO_MASK]), payload])
}

/** The next whole frame; null where it has not come whole. Servers send none beyond 64 KiB here. */
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

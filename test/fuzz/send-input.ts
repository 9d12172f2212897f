/** Sends an input over TCP or WebSocket and waits for its outcome. */
import { type Socket, connect } from 'node:net'
import { WebSocket } from 'ws'
import { type HttpResponse, createResponseReader } from './responses.ts'
import type { DropInput, RawInput, SocketInput } from './input.ts'

/** Outcome of an input. */
export interface Outcome {
  /** HTTP statuses in order, or the close code of a WebSocket. */
  readonly statuses: readonly number[]
  /** Responses or messages as text. */
  readonly texts: readonly string[]
  /**
   * `responded`: a response arrived; `closed`: the gateway closed without a response; `dropped`: this
   * client closed the connection; `timed out`: neither within RESPONSE_TIMEOUT_MS.
   */
  readonly end: 'responded' | 'closed' | 'dropped' | 'timed out'
  /** Milliseconds until the first response or the end, without the waiting time of this client. */
  readonly durationMs: number
}

/** Maximum milliseconds until a response. */
export const RESPONSE_TIMEOUT_MS = 5000
/** Milliseconds without data after which no more data is expected. */
const QUIET_MS = 60

export function outcomeOf(
  responses: readonly HttpResponse[],
  end: Outcome['end'],
  durationMs: number,
): Outcome {
  return {
    durationMs,
    statuses: responses.map(({ status }) => status),
    texts: responses.map(({ head, body }) => `${head}\r\n\r\n${body}`),
    end,
  }
}

/** Opens a connection to a port of this machine. A socket error only closes the connection. */
export function openConnection(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => socket.destroy())
  return socket
}

/** Writes the bytes, then drops the connection, or half-closes it after QUIET_MS and awaits its close. */
export function sendRaw(port: number, { bytes, isCut }: RawInput): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = openConnection(port)
    const reader = createResponseReader({ isHead: false })
    const timeout = setTimeout(() => finish('timed out'), RESPONSE_TIMEOUT_MS)
    let quiet: NodeJS.Timeout | undefined
    let start = performance.now()
    let durationMs: number | null = null

    function finish(end: Outcome['end']): void {
      clearTimeout(timeout)
      clearTimeout(quiet)
      socket.destroy()
      resolve(outcomeOf(reader.responses, end, durationMs ?? performance.now() - start))
    }
    function waitForQuiet(): void {
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        start = performance.now()
        socket.end()
      }, QUIET_MS)
    }

    socket.on('data', (chunk) => {
      reader.read(chunk)
      durationMs ??= performance.now() - start
      if (reader.responses.at(-1)?.isStream === true) finish('responded')
      else waitForQuiet()
    })
    socket.once('close', () => {
      reader.end()
      finish(reader.responses.length > 0 ? 'responded' : 'closed')
    })
    socket.write(bytes, () => (isCut ? finish('dropped') : waitForQuiet()))
  })
}

/** Sends requests and drops the connection after the first response or `afterMs`. */
export function sendAndDrop(port: number, { bytes, afterMs, isRead }: DropInput): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = openConnection(port)
    const reader = createResponseReader({ isHead: false })
    const start = performance.now()
    const timer = setTimeout(finish, afterMs)
    function finish(): void {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcomeOf(reader.responses, 'dropped', performance.now() - start))
    }
    if (isRead) {
      socket.on('data', (chunk) => {
        reader.read(chunk)
        if (reader.responses.length > 0) finish()
      })
    }
    socket.once('close', finish)
    socket.write(bytes)
  })
}

/** Opens a WebSocket, sends all messages, and closes after QUIET_MS without a message. */
export function sendMessages(port: number, input: SocketInput): Promise<Outcome> {
  return new Promise((resolve) => {
    const { protocols, origin, messages, waitsForReply, isClosed } = input
    const socket = new WebSocket(
      `ws://127.0.0.1:${port}/graphql`,
      [...protocols],
      origin === null ? {} : { origin },
    )
    const texts: string[] = []
    const start = performance.now()
    let durationMs: number | null = null
    let status = 0
    let isDropped = false
    const unsent = [...messages]
    const timeout = setTimeout(() => finish('timed out'), RESPONSE_TIMEOUT_MS)
    let quiet: NodeJS.Timeout | undefined

    function finish(end: Outcome['end']): void {
      clearTimeout(timeout)
      clearTimeout(quiet)
      socket.terminate()
      const statuses = status === 0 ? [] : [status]
      resolve({ statuses, texts, end, durationMs: durationMs ?? performance.now() - start })
    }
    function waitForQuiet(): void {
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        isDropped = true
        if (isClosed) socket.close(1000)
        else socket.terminate()
      }, QUIET_MS)
    }

    function sendNext(count: number): void {
      for (const message of unsent.splice(0, count)) socket.send(message)
    }

    socket.on('open', () => {
      durationMs = performance.now() - start
      sendNext(waitsForReply ? 1 : messages.length)
      waitForQuiet()
    })
    socket.on('message', (data) => {
      texts.push(Buffer.isBuffer(data) ? data.toString('utf8') : '')
      sendNext(messages.length)
      waitForQuiet()
    })
    socket.on('unexpected-response', (_request, response) => {
      status = response.statusCode ?? 0
      finish('responded')
    })
    socket.on('error', () => undefined)
    socket.on('close', (code, reason) => {
      if (!isDropped) status = code
      texts.push(reason.toString('utf8'))
      finish(isDropped ? 'dropped' : 'responded')
    })
  })
}

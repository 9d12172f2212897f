/** Sends an input, and waits for what becomes of it. */
import { type Socket, connect } from 'node:net'
import { WebSocket } from 'ws'
import { type Answer, createAnswerReader } from './responses.ts'
import type { DropInput, RawInput, SocketInput } from './input.ts'

/** What became of an input. */
export interface Outcome {
  /** Statuses of HTTP in their order; of a WebSocket, what it was closed with. */
  readonly statuses: readonly number[]
  /** All that was said, as text. */
  readonly texts: readonly string[]
  /**
   * `answered`; `closed` without an answer; `dropped` by ourselves; `silent`: neither answered nor
   * closed while we had patience.
   */
  readonly end: 'answered' | 'closed' | 'dropped' | 'silent'
  /** Milliseconds until the first answer, or the end; those that we chose to wait left out. */
  readonly tookMs: number
}

/** Milliseconds in which everything must be answered. */
export const BACKOFF_MS = 5000
/** Milliseconds after which no more is expected of bytes that may be no request. */
const QUIET_MS = 60

export function outcomeOf(
  answers: readonly Answer[],
  end: Outcome['end'],
  tookMs: number,
): Outcome {
  return {
    tookMs,
    statuses: answers.map(({ status }) => status),
    texts: answers.map(({ head, body }) => `${head}\r\n\r\n${body}`),
    end,
  }
}

/** A connection to a port of this machine whose errors are the end of it, and nothing more. */
export function dial(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => socket.destroy())
  return socket
}

/** Writes the bytes, cuts or waits until it is quiet, says that no more comes, and sees it close. */
export function exchangeRaw(port: number, { bytes, isCut }: RawInput): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = dial(port)
    const reader = createAnswerReader({ isHead: false })
    const backoff = setTimeout(() => finish('silent'), BACKOFF_MS)
    let quiet: NodeJS.Timeout | undefined
    let since = performance.now()
    let tookMs: number | null = null

    function finish(end: Outcome['end']): void {
      clearTimeout(backoff)
      clearTimeout(quiet)
      socket.destroy()
      resolve(outcomeOf(reader.answers, end, tookMs ?? performance.now() - since))
    }
    function waitForQuiet(): void {
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        since = performance.now()
        socket.end()
      }, QUIET_MS)
    }

    socket.on('data', (chunk) => {
      reader.read(chunk)
      tookMs ??= performance.now() - since
      if (reader.answers.at(-1)?.isStream === true) finish('answered')
      else waitForQuiet()
    })
    socket.once('close', () => {
      reader.end()
      finish(reader.answers.length > 0 ? 'answered' : 'closed')
    })
    socket.write(bytes, () => (isCut ? finish('dropped') : waitForQuiet()))
  })
}

/** Sends requests and drops the connection when the first response is there, or earlier. */
export function exchangeDropped(
  port: number,
  { bytes, afterMs, isRead }: DropInput,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = dial(port)
    const reader = createAnswerReader({ isHead: false })
    const since = performance.now()
    const timer = setTimeout(finish, afterMs)
    function finish(): void {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcomeOf(reader.answers, 'dropped', performance.now() - since))
    }
    if (isRead) {
      socket.on('data', (chunk) => {
        reader.read(chunk)
        if (reader.answers.length > 0) finish()
      })
    }
    socket.once('close', finish)
    socket.write(bytes)
  })
}

/** Opens a WebSocket, says everything at once, and leaves when there is no more to hear. */
export function exchangeMessages(port: number, input: SocketInput): Promise<Outcome> {
  return new Promise((resolve) => {
    const { protocols, origin, messages, isPatient, isClosed } = input
    const socket = new WebSocket(
      `ws://127.0.0.1:${port}/graphql`,
      [...protocols],
      origin === null ? {} : { origin },
    )
    const texts: string[] = []
    const since = performance.now()
    let tookMs: number | null = null
    let status = 0
    let isDropped = false
    const unsaid = [...messages]
    const backoff = setTimeout(() => finish('silent'), BACKOFF_MS)
    let quiet: NodeJS.Timeout | undefined

    function finish(end: Outcome['end']): void {
      clearTimeout(backoff)
      clearTimeout(quiet)
      socket.terminate()
      const statuses = status === 0 ? [] : [status]
      resolve({ statuses, texts, end, tookMs: tookMs ?? performance.now() - since })
    }
    function waitForQuiet(): void {
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        isDropped = true
        if (isClosed) socket.close(1000)
        else socket.terminate()
      }, QUIET_MS)
    }

    function say(count: number): void {
      for (const message of unsaid.splice(0, count)) socket.send(message)
    }

    socket.on('open', () => {
      tookMs = performance.now() - since
      say(isPatient ? 1 : messages.length)
      waitForQuiet()
    })
    socket.on('message', (data) => {
      texts.push(Buffer.isBuffer(data) ? data.toString('utf8') : '')
      say(messages.length)
      waitForQuiet()
    })
    socket.on('unexpected-response', (_request, response) => {
      status = response.statusCode ?? 0
      finish('answered')
    })
    socket.on('error', () => undefined)
    socket.on('close', (code, reason) => {
      if (!isDropped) status = code
      texts.push(reason.toString('utf8'))
      finish(isDropped ? 'dropped' : 'answered')
    })
  })
}

/** Exchanges with Stream over connections that stay open: Node's keeper of the port, on undici. */
import { Agent, type Dispatcher } from 'undici'
import { MAX_ANSWER_BYTES, type AnswerHeaders, type Send, type Unanswered } from '../stream/rest/transport.ts'

/** Connections to one host, so many at most; further exchanges wait for one, in their own time. */
const CONNECTIONS = 128
/** A connection that takes longer to stand is given up, and nothing was sent by it. */
const CONNECT_MS = 5000
/**
 * An idle connection is closed by us before the other side may: what is sent at that very moment is
 * lost, and cannot be sent again. Cloudflare waits for 400 seconds; servers that wait for less than
 * this, such as Node's, say so in `Keep-Alive`, and undici goes by it.
 * https://developers.cloudflare.com/fundamentals/reference/connection-limits/
 */
const IDLE_MS = 15_000

/** Exchanges, and the connections that they keep. */
export interface PooledSend {
  readonly send: Send
  /** Lets what is under way come to its end, then closes every connection. */
  close(): Promise<void>
}

type Outcome = Awaited<ReturnType<Send>>

/**
 * One keeper for the API and for the upload host. undici sends again only what waits behind another
 * request on the same connection, which nothing does here: one exchange a connection at a time.
 * Answers come unpacked, as no encoding is asked for.
 */
export function createPooledSend(): PooledSend {
  const agent = new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_MS },
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    // Each exchange has one limit for all of it, which a byte now and then does not put off.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const placeOf = rememberPlace()
  return {
    async send(request, signal) {
      signal?.throwIfAborted()
      const { method, body = null, timeoutMs } = request
      const { origin, path } = placeOf(request.url)
      const headers = headersFor(request.headers)
      return new Promise((resolve, reject) => {
        const exchange = createExchange(finish)
        const timer = setTimeout(() => exchange.stop('late'), timeoutMs)
        function abort(): void {
          exchange.stop('late')
        }
        function finish(outcome: Outcome): void {
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
          // The caller's reason may be anything, and it comes back as it is.
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors
          if (signal?.aborted === true && outcome.kind === 'unanswered') reject(signal.reason)
          else resolve(outcome)
        }
        signal?.addEventListener('abort', abort, { once: true })
        agent.dispatch({ origin, path, method, body, headers }, exchange.handler)
      })
    },
    close: () => agent.close(),
  }
}

/** Reads addresses: mints all go to one, which is read once. */
function rememberPlace() {
  let url = ''
  let place = { origin: '', path: '' }
  return (asked: string) => {
    if (asked === url) return place
    const { origin, pathname, search } = new URL(asked)
    url = asked
    place = { origin, path: `${pathname}${search}` }
    return place
  }
}

/**
 * Names and values in turn, after what `fetch` would say by itself. Cloudflare may challenge clients
 * that give no name. https://developers.cloudflare.com/waf/tools/browser-integrity-check/
 */
function headersFor(headers: Readonly<Record<string, string>>): string[] {
  const list = ['accept', '*/*', 'user-agent', 'headgate']
  for (const [name, value] of Object.entries(headers)) list.push(name, value)
  return list
}

/** One exchange under way. `finish` is called once, with what came of it. */
function createExchange(finish: (outcome: Outcome) => void) {
  /** Null until undici has a connection and is about to write to it: nothing has left before. */
  let writing: Dispatcher.DispatchController | null = null
  let status: number | null = null
  let headers: AnswerHeaders = { get: () => null }
  let chunks: Buffer[] = []
  let bytes = 0
  let isOver = false

  function end(outcome: Outcome): void {
    if (isOver) return
    isOver = true
    chunks = []
    finish(outcome)
  }

  function giveUp(why: Unanswered['why'], cause: unknown = null): void {
    end({ kind: 'unanswered', why, status, mayHaveLeft: writing !== null, cause })
  }

  function stop(why: 'late' | 'large'): void {
    giveUp(why)
    writing?.abort(new Error('stopped'))
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      // It waited for a connection longer than it had time; or it was about to be sent again.
      if (isOver || writing !== null) controller.abort(new Error('stopped'))
      else writing = controller
    },
    onResponseStart(_controller, code, received) {
      // 103 and its like come before the answer.
      if (code < 200) return
      status = code
      headers = headersOf(received)
    },
    onResponseData(_controller, chunk) {
      bytes += chunk.byteLength
      if (bytes > MAX_ANSWER_BYTES) stop('large')
      else if (!isOver) chunks.push(chunk)
    },
    onResponseEnd() {
      end({ kind: 'answered', status: status ?? 0, headers, text: textOf(chunks) })
    },
    onResponseError(_controller, error) {
      giveUp('lost', error)
    },
  }
  return { handler, stop }
}

function headersOf(received: Readonly<Record<string, string | string[] | undefined>>) {
  return {
    get(name: string): string | null {
      const value = received[name.toLowerCase()]
      if (Array.isArray(value)) return value.join(', ')
      return typeof value === 'string' ? value : null
    },
  }
}

const utf8 = new TextDecoder()

function textOf(chunks: readonly Buffer[]): string {
  const [only] = chunks
  return utf8.decode(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks))
}

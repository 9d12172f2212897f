/** Calls below one account's `/stream`: adds the token, tells an answer from a refusal. */
import { readEnvelope, type Envelope } from './envelope.ts'
import { exchange } from './send-request.ts'
import { refusal } from './response-error.ts'
import type { Send, StreamAnswer, StreamRequest } from './transport.ts'

/** What the caller needs to know of the account and of its surroundings. */
export interface CallerParts {
  /** `…/client/v4/accounts/{account}/stream`: the only place that the token goes to. */
  readonly streamUrl: string
  readonly apiToken: string
  readonly send: Send
  readonly timeoutMs: number
  readonly creationTimeoutMs: number
  readonly now: () => Date
}

/** One call to the API. */
export type RestCall = Omit<StreamRequest, 'url' | 'headers' | 'body' | 'timeoutMs'> & {
  /** What follows `/stream`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** The body, still to be written as JSON. */
  readonly json?: unknown
  /** Whether it mints a URL, for which there is more time. */
  readonly mints?: true
}

/** What came of a call. */
export interface Reply {
  readonly request: StreamRequest
  readonly answer: StreamAnswer
  /** Null where the answer was not Cloudflare's JSON, or was empty. */
  readonly envelope: Envelope | null
}

/** Three ways to call, by what counts as a success. All throw `StreamError` otherwise. */
export interface RestCaller {
  /** Any 2xx, unless its envelope says that it is no success: for what is minted in headers. */
  readonly mint: (call: RestCall, signal?: AbortSignal) => Promise<Reply>
  /** 2xx with an envelope. */
  readonly ask: (
    call: RestCall,
    signal?: AbortSignal,
  ) => Promise<Reply & { readonly envelope: Envelope }>
  /** The same for one thing that may not be there: null on Stream's own 404. */
  readonly askAfter: (call: RestCall, signal?: AbortSignal) => Promise<Reply | null>
}

// "No route for that URI", "Could not route to …": a wrong account or base URL, which must not look like
// a deleted video.
const noRoute: ReadonlySet<number | null> = new Set([7000, 7003])

/** The three ways for one account. */
export function createRestCaller(parts: CallerParts): RestCaller {
  const { streamUrl, apiToken, timeoutMs, creationTimeoutMs, now } = parts
  const authorized = { authorization: `Bearer ${apiToken}` }
  const authorizedJson = { ...authorized, 'content-type': 'application/json' }

  async function exchangeFor(call: RestCall, signal?: AbortSignal): Promise<Reply> {
    const { purpose, method, path, headers, json, changes, mints } = call
    const own = json === undefined ? authorized : authorizedJson
    const request: StreamRequest = {
      purpose,
      method,
      changes,
      url: `${streamUrl}${path}`,
      headers: headers === undefined ? own : { ...own, ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      timeoutMs: mints === true ? creationTimeoutMs : timeoutMs,
    }
    const answer = await exchange(parts.send, request, signal)
    return { request, answer, envelope: readEnvelope(answer.text) }
  }

  function refuse(reply: Reply) {
    return refusal({ ...reply, apiToken, now: now() })
  }

  return {
    async mint(call, signal) {
      const reply = await exchangeFor(call, signal)
      if (!isOk(reply.answer) || reply.envelope?.success === false) throw refuse(reply)
      return reply
    },

    async ask(call, signal) {
      const reply = await exchangeFor(call, signal)
      const { answer, envelope } = reply
      if (!isOk(answer) || envelope?.success !== true) throw refuse(reply)
      return { ...reply, envelope }
    },

    async askAfter(call, signal) {
      const reply = await exchangeFor(call, signal)
      if (isAbsent(reply)) return null
      const { answer, envelope } = reply
      // DELETE may answer with an empty 200 or 204, which says enough.
      const isSaid = call.method === 'DELETE' && answer.text === '' ? true : envelope?.success
      if (!isOk(answer) || isSaid !== true) throw refuse(reply)
      return reply
    },
  }
}

/** Whether the status is a success. */
export function isOk(answer: StreamAnswer): boolean {
  return answer.status >= 200 && answer.status < 300
}

// Codes of a 404 differ between reports, so the status decides; yet it must be Stream's own 404,
// and neither a proxy's page nor a wrong address of the API.
function isAbsent({ answer, envelope }: Reply): boolean {
  if (answer.status !== 404) return false
  if (envelope === null) return answer.text === ''
  return !envelope.errors.some(({ code }) => noRoute.has(code))
}

/** Authenticated calls below one account's `/stream`; converts error responses to StreamError. */
import { readEnvelope, type Envelope } from './envelope.ts'
import { sendRequest } from './send-request.ts'
import { responseError } from './response-error.ts'
import type { HttpTransport, TransportResponse, TransportRequest } from './transport.ts'

/** Account, transport and timeouts of the client. */
export interface RestClientOptions {
  /** `…/client/v4/accounts/{account}/stream`: the token is sent to no other URL. */
  readonly streamUrl: string
  readonly apiToken: string
  readonly send: HttpTransport
  readonly timeoutMs: number
  readonly creationTimeoutMs: number
  readonly now: () => Date
}

/** One call to the API. */
export type RestCall = Omit<TransportRequest, 'url' | 'headers' | 'body' | 'timeoutMs'> & {
  /** Path and query after `/stream`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Request body, serialized as JSON by the client. */
  readonly json?: unknown
  /** Whether it mints a URL, which has a longer timeout. */
  readonly mints?: true
}

/** A request and its response. */
export interface RestResponse {
  readonly request: TransportRequest
  readonly response: TransportResponse
  /** Null if the response was empty or not Cloudflare's JSON. */
  readonly envelope: Envelope | null
}

/** Three ways to call, which differ in what counts as a success; all throw StreamError otherwise. */
export interface RestClient {
  /** Accepts any 2xx unless its envelope reports an error: for URLs minted in headers. */
  readonly mint: (call: RestCall, signal?: AbortSignal) => Promise<RestResponse>
  /** Accepts a 2xx with a successful envelope. */
  readonly request: (
    call: RestCall,
    signal?: AbortSignal,
  ) => Promise<RestResponse & { readonly envelope: Envelope }>
  /** Like `request` for one resource; null on Stream's own 404. */
  readonly requestOrNotFound: (call: RestCall, signal?: AbortSignal) => Promise<RestResponse | null>
}

// "No route for that URI", "Could not route to …": a wrong account or base URL. These errors do not
// mean that the video was deleted.
const noRoute: ReadonlySet<number | null> = new Set([7000, 7003])

/** Creates the client of one account. */
export function createRestClient(options: RestClientOptions): RestClient {
  const { streamUrl, apiToken, timeoutMs, creationTimeoutMs, now } = options
  const authorized = { authorization: `Bearer ${apiToken}` }
  const authorizedJson = { ...authorized, 'content-type': 'application/json' }

  async function sendCall(call: RestCall, signal?: AbortSignal): Promise<RestResponse> {
    const { purpose, method, path, headers, json, changes, mints } = call
    const defaultHeaders = json === undefined ? authorized : authorizedJson
    const request: TransportRequest = {
      purpose,
      method,
      changes,
      url: `${streamUrl}${path}`,
      headers: headers === undefined ? defaultHeaders : { ...defaultHeaders, ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      timeoutMs: mints === true ? creationTimeoutMs : timeoutMs,
    }
    const response = await sendRequest(options.send, request, signal)
    return { request, response, envelope: readEnvelope(response.text) }
  }

  function errorFor(reply: RestResponse) {
    return responseError({ ...reply, apiToken, now: now() })
  }

  return {
    async mint(call, signal) {
      const reply = await sendCall(call, signal)
      if (!isOk(reply.response) || reply.envelope?.success === false) throw errorFor(reply)
      return reply
    },

    async request(call, signal) {
      const reply = await sendCall(call, signal)
      const { response, envelope } = reply
      if (!isOk(response) || envelope?.success !== true) throw errorFor(reply)
      return { ...reply, envelope }
    },

    async requestOrNotFound(call, signal) {
      const reply = await sendCall(call, signal)
      if (isNotFound(reply)) return null
      const { response, envelope } = reply
      // DELETE may respond with an empty 200 or 204.
      const isSuccess = call.method === 'DELETE' && response.text === '' ? true : envelope?.success
      if (!isOk(response) || isSuccess !== true) throw errorFor(reply)
      return reply
    },
  }
}

/** Whether the status is 2xx. */
export function isOk(response: TransportResponse): boolean {
  return response.status >= 200 && response.status < 300
}

// Codes of a 404 vary, so the status decides. It must be Stream's own 404: neither a proxy's page
// nor a wrong API URL.
function isNotFound({ response, envelope }: RestResponse): boolean {
  if (response.status !== 404) return false
  if (envelope === null) return response.text === ''
  return !envelope.errors.some(({ code }) => noRoute.has(code))
}

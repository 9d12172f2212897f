/** Authenticated calls below one account's `/stream`; converts error responses to StreamError. */
import { readEnvelope, type Envelope } from './envelope.ts'
import { isMintedUrl } from '../minted-video.ts'
import { createFetchTransport } from './fetch-transport.ts'
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

/** One account of Cloudflare. */
export interface AccountOptions {
  /** At most 32 letters and digits; `local` for the emulator. */
  readonly accountId: string
  /** An API token with Stream Write. Sent to `baseUrl` only. */
  readonly apiToken: string
  /** @default 'https://api.cloudflare.com/client/v4' */
  readonly baseUrl?: string
  /** HTTP transport. @default createFetchTransport() */
  readonly send?: HttpTransport
  /** Timeout of one request in milliseconds. @default 10_000 */
  readonly timeoutMs?: number
  /**
   * Timeout of calls that mint a URL, in milliseconds. A timeout leaves an orphaned video at Stream.
   * @default 15_000
   */
  readonly creationTimeoutMs?: number
  /** Clock for a Retry-After that is a date. @default () => new Date() */
  readonly now?: () => Date
}

/**
 * Fills in the defaults.
 * @throws RangeError for an invalid account id, token or base URL; the message quotes none of them.
 */
export function readClientOptions(options: AccountOptions): RestClientOptions {
  const { accountId, apiToken, baseUrl = 'https://api.cloudflare.com/client/v4' } = options
  if (!/^[0-9a-zA-Z_-]{1,32}$/.test(accountId))
    throw new RangeError('The Cloudflare account id is invalid.')
  if (!/^[\x21-\x7e]+$/.test(apiToken))
    throw new RangeError('The Cloudflare API token is empty or has invalid characters.')
  if (!isMintedUrl(baseUrl) || /[?#]/.test(baseUrl))
    throw new RangeError('The base URL of the Cloudflare API must be a plain http or https URL.')
  return {
    streamUrl: `${baseUrl.replace(/\/+$/, '')}/accounts/${accountId}/stream`,
    apiToken,
    send: options.send ?? createFetchTransport(),
    timeoutMs: options.timeoutMs ?? 10_000,
    creationTimeoutMs: options.creationTimeoutMs ?? 15_000,
    now: options.now ?? (() => new Date()),
  }
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

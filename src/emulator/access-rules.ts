/**
 * Access rules of the REST API and the control API, which reject requests of web pages. Pages of any site run
 * in the developer's browser, on the emulator's machine. Neither a loopback address nor a well-known token
 * protects against them. The upload and playback hosts accept web pages.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { ApiError } from './api-error.ts'
import type { Settings } from './settings.ts'
import { readJsonBody } from './read-json-body.ts'

/** Hostnames that an attacker cannot register in DNS. The gateway has the same rule (allowed-hosts.ts). */
const SAFE_HOSTNAME = /^(?:[^.]+|.+\.localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/i

/** Throws an ApiError for requests of pages of other origins, and for hostnames that an attacker may own. */
export function rejectWebPages(
  { reachableByOthers }: Pick<Settings, 'reachableByOthers'>,
  request: IncomingMessage,
): void {
  const authority = authorityOf(request)
  // Prevents DNS rebinding: if the hostname of a page resolves to this machine, the browser treats the page and
  // the emulator as the same origin. A secret token makes any hostname safe.
  if (!reachableByOthers && !SAFE_HOSTNAME.test(authority?.hostname ?? '')) {
    throw rejection(
      421,
      'Host not allowed. Use an IP address or localhost, or set EMULATOR_PUBLIC_URL (option publicUrl) to an address with this host.',
    )
  }
  if (isFromPage(request, authority)) {
    throw rejection(
      403,
      'Requests of web pages are not allowed here. Send the request from a server or a test, without Origin.',
    )
  }
}

/**
 * Returns the parsed body; undefined if there is none. Throws an ApiError if the Content-Type is not JSON,
 * because forms and pages can send other types without a preflight.
 * https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 */
export async function readDeclaredJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']
  const isJson = /^application\/json$/i.test(type?.split(';')[0]?.trim() ?? '')
  if (type !== undefined && !isJson) throw notJson()
  const body = await readJsonBody(request)
  if (body !== undefined && !isJson) throw notJson()
  return body
}

function notJson(): ApiError {
  return rejection(415, 'Content-Type must be application/json.')
}

/** Returns whether the request has the account's token, compared in constant time. */
export function hasToken({ token }: Pick<Settings, 'token'>, request: IncomingMessage): boolean {
  const [scheme = '', credentials = ''] = (request.headers.authorization ?? '').split(' ')
  return scheme.toLowerCase() === 'bearer' && timingSafeEqual(digest(credentials), digest(token))
}

/** Hashes to a fixed length, because `timingSafeEqual` requires equal lengths. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * Returns the requested host as a URL; null if it is missing or invalid. An absolute request target takes
 * precedence over the Host header. https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
function authorityOf({ url: target = '/', headers }: IncomingMessage): URL | null {
  if (!target.startsWith('/')) return URL.canParse(target) ? new URL(target) : null
  const authority = headers.host ?? ''
  const isHostOnly = /^[^\s/\\?#@]+$/.test(authority)
  return isHostOnly && URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`) : null
}

/**
 * Returns whether a page of another origin sent the request. Browsers send `Origin`, except with simple GET
 * and HEAD requests, with which they send `Sec-Fetch-Site`.
 * https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
function isFromPage({ headers }: IncomingMessage, authority: URL | null): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (origin !== undefined) {
    return !URL.canParse(origin) || new URL(origin).host !== authority?.host
  }
  return site === 'cross-site' || site === 'same-site'
}

/** Returns the error of a rejected request. The emulator defines code 10001; Cloudflare documents none for these. */
function rejection(status: number, reason: string): ApiError {
  return new ApiError(status, 10_001, 'Request rejected by the emulator', reason)
}

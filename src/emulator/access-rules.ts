/**
 * Access rules of the REST API and the control API: they accept tools and servers, not web pages.
 * A browser sends requests of any site's page from the developer's machine, so neither a
 * loopback address nor a well-known token keeps pages out. Upload and playback hosts accept pages.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { ApiError } from './api-error.ts'
import type { Settings } from './settings.ts'
import { readJsonBody } from './read-json-body.ts'

/** Hostnames that an attacker cannot register in DNS. The gateway has the same rule (allowed-hosts.ts). */
const SAFE_HOSTNAME = /^(?:[^.]+|.+\.localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/i

/** Throws an ApiError for pages of other origins, and for hosts that may be an attacker's. */
export function rejectWebPages(
  { reachableByOthers }: Pick<Settings, 'reachableByOthers'>,
  request: IncomingMessage,
): void {
  const authority = authorityOf(request)
  // DNS rebinding: a page whose hostname resolves to this machine has the emulator's own origin for
  // the browser. When a secret token is required, any hostname is safe.
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
 * Returns the parsed body, or undefined without a body. Throws an ApiError when the Content-Type is
 * not JSON: a form or a page can send such a body without a preflight.
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
 * Returns the requested host as a URL, or null when it is missing or invalid. An absolute request
 * target takes precedence over the Host header. https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
function authorityOf({ url: target = '/', headers }: IncomingMessage): URL | null {
  if (!target.startsWith('/')) return URL.canParse(target) ? new URL(target) : null
  const authority = headers.host ?? ''
  const isHostOnly = /^[^\s/\\?#@]+$/.test(authority)
  return isHostOnly && URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`) : null
}

/**
 * Returns whether a page of another origin sent the request. Browsers send Origin with all
 * requests except plain GETs, and Sec-Fetch-Site with these.
 * https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
function isFromPage({ headers }: IncomingMessage, authority: URL | null): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (origin !== undefined) {
    return !URL.canParse(origin) || new URL(origin).host !== authority?.host
  }
  return site === 'cross-site' || site === 'same-site'
}

/** Code 10001 is the emulator's choice: Cloudflare documents no code for these errors. */
function rejection(status: number, reason: string): ApiError {
  return new ApiError(status, 10_001, 'Request rejected by the emulator', reason)
}

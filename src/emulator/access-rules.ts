/**
 * Who may use the REST API and the control API: tools and servers, not web pages. A browser sends what
 * a page of any site asks for from the machine that it runs on, so that neither a loopback listener
 * nor a token that everybody knows keeps pages out. The upload host and playback are for every page.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { ApiError } from './api-error.ts'
import type { Settings } from './dependencies.ts'
import { readJson } from './read-json-body.ts'

/** Hostnames that no other machine's DNS can answer for: addresses, and those of this machine. */
const SAFE_HOSTNAME = /^(?:localhost|.+\.localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/i

/** Throws an ApiError for a request of a web page, or for a Host that may be an attacker's. */
export function rejectWebPages(
  { reachableByOthers }: Pick<Settings, 'reachableByOthers'>,
  request: IncomingMessage,
): void {
  const authority = authorityOf(request)
  // DNS rebinding: for its browser, a page of a name that was pointed at this machine is of the
  // emulator's own origin. Where a token is needed that no page knows, any name will do.
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
 * The parsed body, undefined where there is none. Throws an ApiError for a body that does not say that
 * it is JSON: such a body a form or a page can send without a preflight.
 * https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 */
export async function readDeclaredJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']
  const isJson = /^application\/json$/i.test(type?.split(';')[0]?.trim() ?? '')
  if (type !== undefined && !isJson) throw notJson()
  const body = await readJson(request)
  if (body !== undefined && !isJson) throw notJson()
  return body
}

function notJson(): ApiError {
  return rejection(415, 'Content-Type must be application/json.')
}

/** Whether the request has the account's token, compared in constant time. */
export function hasToken({ token }: Pick<Settings, 'token'>, request: IncomingMessage): boolean {
  const [scheme = '', given = ''] = (request.headers.authorization ?? '').split(' ')
  return scheme.toLowerCase() === 'bearer' && timingSafeEqual(digest(given), digest(token))
}

/** Of one length whatever the text's, as a comparison in constant time needs it. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * The host that the request is for; null where it names none that is valid. The target goes before
 * the Host header. https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
function authorityOf({ url: target = '/', headers }: IncomingMessage): URL | null {
  if (!target.startsWith('/')) return URL.canParse(target) ? new URL(target) : null
  const authority = headers.host ?? ''
  const isBare = /^[^\s/\\?#@]+$/.test(authority)
  return isBare && URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`) : null
}

/**
 * Browsers name the origin of a page in everything but a plain GET, and say there how it stands to
 * the address. https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
function isFromPage({ headers }: IncomingMessage, authority: URL | null): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (origin !== undefined) {
    return !URL.canParse(origin) || new URL(origin).host !== authority?.host
  }
  return site === 'cross-site' || site === 'same-site'
}

/** 10001 is our own choice: Cloudflare documents no code for these. */
function rejection(status: number, reason: string): ApiError {
  return new ApiError(status, 10_001, 'Request rejected by the emulator', reason)
}

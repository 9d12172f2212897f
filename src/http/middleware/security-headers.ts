/** Headers that every answer carries, so that no browser makes more of it than it is. */
import type { Door } from '../handler.ts'

/** For what is no page: nothing in it may load, run or be framed. */
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
/** A year, in seconds. */
const HTTPS_SECONDS = 31_536_000

/**
 * What every answer carries unless its door has set another. `https` where browsers come by TLS: they
 * are told to come no other way. https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
 */
export function securityHeaders({
  https,
}: {
  readonly https: boolean
}): Readonly<Record<string, string>> {
  return {
    'content-security-policy': NO_PAGE,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
    // Answers hold one-time URLs, and are for one caller.
    'cache-control': 'no-store',
    ...(https ? { 'strict-transport-security': `max-age=${HTTPS_SECONDS}` } : {}),
  }
}

/** Adds them where a door has not set its own. */
export function withSecurityHeaders(options: { readonly https: boolean }, door: Door): Door {
  const defaults = Object.entries(securityHeaders(options))
  return async (request, visitor) => {
    const response = await door(request, visitor)
    for (const [name, value] of defaults) {
      if (!response.headers.has(name)) response.headers.set(name, value)
    }
    return response
  }
}

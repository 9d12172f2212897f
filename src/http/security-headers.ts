/** Headers that every answer carries, so that no browser makes more of it than it is. */
import type { Door } from './door.ts'

/** For what is no page: nothing in it may load, run or be framed. */
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
/** A year, in seconds. */
const HTTPS_SECONDS = 31_536_000

/**
 * Adds them where a door has not set its own. `https` where browsers come by TLS: they are told to
 * come no other way. https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
 */
export function withSecurityHeaders({ https }: { readonly https: boolean }, door: Door): Door {
  const defaults: Readonly<Record<string, string>> = {
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
  return async (request, visitor) => {
    const response = await door(request, visitor)
    for (const [name, value] of Object.entries(defaults)) {
      if (!response.headers.has(name)) response.headers.set(name, value)
    }
    return response
  }
}

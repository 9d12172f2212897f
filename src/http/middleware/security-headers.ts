/** Security headers of all responses. */
import type { Handler } from '../handler.ts'

/** Content security policy of responses that are not pages: nothing may load, run or be framed. */
const NON_PAGE_POLICY =
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
/** A year, in seconds. */
const HSTS_SECONDS = 31_536_000

/**
 * Returns the default headers; handlers may override them. `https`: browsers use TLS, so HSTS is added.
 * https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
 */
export function securityHeaders({
  https,
}: {
  readonly https: boolean
}): Readonly<Record<string, string>> {
  return {
    'content-security-policy': NON_PAGE_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
    // Responses contain one-time URLs and are meant for one caller.
    'cache-control': 'no-store',
    ...(https ? { 'strict-transport-security': `max-age=${HSTS_SECONDS}` } : {}),
  }
}

/** Adds each header that the handler has not set. */
export function withSecurityHeaders(
  options: { readonly https: boolean },
  endpoint: Handler,
): Handler {
  const defaults = Object.entries(securityHeaders(options))
  return async (request, client) => {
    const response = await endpoint(request, client)
    for (const [name, value] of defaults) {
      if (!response.headers.has(name)) response.headers.set(name, value)
    }
    return response
  }
}

/** Origin check, host check and response headers of the fast path. */
import type { ResponseHeaders } from '../../response-headers.ts'
import { isAllowedHost } from '../../middleware/allowed-hosts.ts'
import type { RequestOrigin } from './fast-request.ts'

/** Allowed origins and hosts. */
export interface AccessRules {
  readonly origins: ReadonlySet<string>
  /** Host names without ports; null allows any host. */
  readonly allowedHosts: readonly string[] | null
}

/** Returns the headers in the format of `ResponseHeaders`. Null if the origin or host is not allowed. */
export type FastPathHeaders = (from: RequestOrigin, mediaType: string) => readonly string[] | null

export function createFastPathHeaders(
  { origins, allowedHosts }: AccessRules,
  responseHeaders: ResponseHeaders,
): FastPathHeaders {
  return ({ origin, host }, mediaType) => {
    if (origin !== null && !origins.has(origin)) return null
    if (allowedHosts !== null && !isAllowedHost(allowedHosts, host.replace(/:\d*$/, '')))
      return null
    return responseHeaders(origin, mediaType)
  }
}

/**
 * Headers and access log for responses that the host writes itself, when no handler ran or one failed.
 * They have the same headers and metrics as the responses of handlers.
 */
import { endpointPath } from './endpoint-path.ts'
import type { RejectionReason, Telemetry } from '../uploads/ports/telemetry.ts'
import type { ResponseHeaders } from './response-headers.ts'
import type { AccessLogEntry, AccessLog } from './middleware/access-log.ts'

export interface HostResponse extends Omit<AccessLogEntry, 'path'> {
  /** Request target as received, with its query string. */
  readonly url: string
}

export interface HostResponses {
  readonly headers: ResponseHeaders
  /** Counts and logs the response; `reason` if it rejects the caller. */
  readonly record: (response: HostResponse, reason?: RejectionReason) => void
}

/** @param paths paths of all endpoints */
export function createHostResponses(
  paths: ReadonlySet<string>,
  headers: ResponseHeaders,
  telemetry: Pick<Telemetry, 'responseSent' | 'requestRejected'>,
  accessLog: AccessLog,
): HostResponses {
  return {
    headers,
    record({ url, ...response }, reason) {
      const path = endpointPath(url)
      const isRoute = paths.has(path)
      if (isRoute) accessLog({ path, ...response })
      else telemetry.responseSent(null, response.method, response.status)
      if (reason !== undefined) telemetry.requestRejected(isRoute ? path : 'none', reason)
    },
  }
}

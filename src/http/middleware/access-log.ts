/** Access log: counts every response of an endpoint, and logs it if the level allows. */
import type { RejectionReason } from '../../uploads/ports/telemetry.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'

/** Logged at level `info`: a rejected caller or a misconfigured client. Others are logged at `debug`. */
const LOGGED_STATUSES: ReadonlySet<number> = new Set([401, 403, 421, 429])

/** Rejection reasons for metrics, by status. */
const REASONS: ReadonlyMap<number, RejectionReason> = new Map([
  [401, 'unauthenticated'],
  [429, 'rate_limited'],
])

export interface AccessLogEntry {
  /** Path of an endpoint, without the query string: that may contain secrets. */
  readonly path: string
  readonly method: string
  readonly status: number
  readonly requestId: string | undefined
  /** By `performance.now()`. */
  readonly startedAt: number
  /** Returns the client's address, or null if unknown. Called only if the response is logged. */
  readonly client: () => string | null
}

export type AccessLog = (entry: AccessLogEntry) => void

export function createAccessLog({
  log,
  telemetry,
}: Pick<Dependencies, 'log' | 'telemetry'>): AccessLog {
  // Read once: building a debug line for each response costs more than counting it.
  const isDebugEnabled = log.isLevelEnabled?.('debug') ?? true
  return ({ path, method, status, requestId, startedAt, client }) => {
    telemetry.responseSent(path, method, status)
    const reason = REASONS.get(status)
    if (reason !== undefined) telemetry.requestRejected(path, reason)
    const isRejection = LOGGED_STATUSES.has(status)
    if (!isRejection && !isDebugEnabled) return
    const durationMs = Math.round(performance.now() - startedAt)
    const fields = { requestId, method, path, status, durationMs, clientAddress: client() }
    if (isRejection) log.info(fields, 'request rejected')
    else log.debug(fields, 'request completed')
  }
}

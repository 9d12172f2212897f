/** The log as one request sees it: each line carries the request's id. */
import type { Log } from '../uploads/dependencies.ts'

/** Handed on by hand, since a store that follows every promise would slow each of them down. */
export function createRequestLog(log: Log, requestId: string): Log {
  return {
    debug: (fields, message) => log.debug({ requestId, ...fields }, message),
    info: (fields, message) => log.info({ requestId, ...fields }, message),
    warn: (fields, message) => log.warn({ requestId, ...fields }, message),
    error: (fields, message) => log.error({ requestId, ...fields }, message),
  }
}

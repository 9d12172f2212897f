/** Keeps what goes wrong inside away from callers. */
import { GraphQLError } from 'graphql'
import { maskError as yogaMask } from 'graphql-yoga'
import { StoreUnavailable } from '../../../uploads/ports/store-unavailable.ts'
import type { Log } from '../../../uploads/dependencies.ts'
import { DATABASE_AWAY } from '../../middleware/error-response.ts'

/**
 * What was meant for the caller stays; anything else is logged whole and shown by an id only: that of
 * the request, where there is one.
 */
export function maskError(
  log: Log,
  error: unknown,
  message: string,
  requestId: string = crypto.randomUUID(),
): GraphQLError {
  const masked = yogaMask(error, message, false)
  if (masked === error && masked instanceof GraphQLError) return masked
  // The error around it carries the client's whole document, with whatever stands in that.
  const cause = error instanceof GraphQLError ? (error.originalError ?? error.message) : error
  const { nodes, path } =
    error instanceof GraphQLError ? error : { nodes: undefined, path: undefined }
  const place = {
    ...(nodes === undefined ? {} : { nodes }),
    ...(path === undefined ? {} : { path }),
  }
  if (cause instanceof StoreUnavailable) {
    log.warn({ requestId, err: cause }, 'the database does not answer')
    const { retryAfterSeconds } = cause
    return new GraphQLError(DATABASE_AWAY, {
      ...place,
      extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds, requestId },
    })
  }
  log.error({ requestId, err: cause }, 'unexpected error')
  return new GraphQLError(`Unexpected error. Ask for it by this id: ${requestId}`, {
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  })
}
